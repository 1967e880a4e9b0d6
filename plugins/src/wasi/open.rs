//! `open-at` of `wasi:filesystem/types`: files and directories alone. Opening a pipe waits until somebody writes to it, and
//! nothing ends that.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::WasiFilesystemView as _;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, Host as _, HostDescriptor as _, OpenFlags, PathFlags,
};

use super::link::VERSION;
use super::stores::leads_into_store;
use crate::state::State;
use crate::text::printable_name;

/// The directory, how links are taken, the path below it, and how it is opened.
type Asked = (Resource<Descriptor>, PathFlags, String, OpenFlags, DescriptorFlags);

/// Puts it in the place of what `wasmtime-wasi` links.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance(&format!("wasi:filesystem/types@{VERSION}"))?;
    interface.func_wrap("[method]descriptor.open-at", |mut store: StoreContextMut<'_, State>, asked: Asked| {
        Ok((open(store.data_mut(), asked)?,))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

fn open(
    state: &mut State,
    (directory, links, path, how, flags): Asked,
) -> wasmtime::Result<Result<Resource<Descriptor>, ErrorCode>> {
    let mut files = state.filesystem();
    if leads_into_store(&mut files, &directory, &path) {
        return Ok(Err(ErrorCode::NoEntry));
    }
    let found = files.stat_at(Resource::new_borrow(directory.rep()), links, path.clone());
    // What is not there may be made; and of links that are not followed, the error is the system's.
    if let Ok(found) = found
        && !matches!(
            found.type_,
            DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink
        )
    {
        let path = printable_name(&path);
        state.wasi().said.note(format!("it tried to open `{path}`, which is neither file nor directory"));
        return Ok(Err(ErrorCode::NotPermitted));
    }
    match files.open_at(directory, links, path, how, flags) {
        Ok(opened) => Ok(Ok(opened)),
        Err(error) => Ok(Err(files.convert_error_code(error)?)),
    }
}
