//! Stores of sternlight in a granted directory: they change with every run and are no part of what is granted, so nothing
//! leads into them. What is asked for by path is answered as if nothing were there.

use std::collections::VecDeque;

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::filesystem::{WasiFilesystemCtxView, WasiFilesystemView as _};
use wasmtime_wasi::p2::FsResult;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{
    Descriptor, DescriptorStat, DescriptorType, ErrorCode, Host as _, HostDescriptor as _, PathFlags,
};

use super::link::VERSION;
use crate::contents::{FORMAT_BYTES, STORE_FILES};
use crate::state::State;

/// As many links as systems follow before they give up.
const LINKS: usize = 40;

type Store<'a> = StoreContextMut<'a, State>;
type Directory = Resource<Descriptor>;

/// Whether a path below a directory leads to a store, or into one.
pub(super) fn leads_into_store(files: &mut WasiFilesystemCtxView<'_>, directory: &Directory, path: &str) -> bool {
    let here = || Resource::new_borrow(directory.rep());
    let mut rest: VecDeque<String> = path.split('/').map(str::to_owned).collect();
    let (mut place, mut links) = (Vec::new(), 0);
    while let Some(part) = rest.pop_front() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                place.pop();
                continue;
            }
            _ => place.push(part),
        }
        let path = place.join("/");
        match files.stat_at(here(), PathFlags::empty(), path.clone()).map(|found| found.type_) {
            Ok(DescriptorType::SymbolicLink) if links < LINKS => {
                links += 1;
                place.pop();
                let target = files.readlink_at(here(), path).unwrap_or_default();
                target.rsplit('/').for_each(|part| rest.push_front(part.to_owned()));
            }
            Ok(DescriptorType::Directory) => {
                let mut file = |name: &str| files.stat_at(here(), PathFlags::empty(), format!("{path}/{name}")).ok();
                let is_file = |found: Option<DescriptorStat>, bytes: u64| {
                    found.is_some_and(|found| found.type_ == DescriptorType::RegularFile && found.size <= bytes)
                };
                let [format, ignored] = STORE_FILES;
                if is_file(file(format), FORMAT_BYTES) && is_file(file(ignored), u64::MAX) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

/// Puts itself before what changes something.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let mut interface = linker.instance(&format!("wasi:filesystem/types@{VERSION}"))?;
    interface.func_wrap(
        "[method]descriptor.create-directory-at",
        |mut store: Store<'_>, (at, path): (_, String)| {
            one(&mut store, at, path, |files, at, path| files.create_directory_at(at, path))
        },
    )?;
    interface.func_wrap(
        "[method]descriptor.remove-directory-at",
        |mut store: Store<'_>, (at, path): (_, String)| {
            one(&mut store, at, path, |files, at, path| files.remove_directory_at(at, path))
        },
    )?;
    interface.func_wrap("[method]descriptor.unlink-file-at", |mut store: Store<'_>, (at, path): (_, String)| {
        one(&mut store, at, path, |files, at, path| files.unlink_file_at(at, path))
    })?;
    interface.func_wrap(
        "[method]descriptor.symlink-at",
        |mut store: Store<'_>, (at, target, path): (_, String, String)| {
            one(&mut store, at, path, |files, at, path| files.symlink_at(at, target, path))
        },
    )?;
    interface.func_wrap(
        "[method]descriptor.rename-at",
        |mut store: Store<'_>, (from, old, to, new): (Directory, String, Directory, String)| {
            let mut files = store.data_mut().filesystem();
            if leads_into_store(&mut files, &from, &old) || leads_into_store(&mut files, &to, &new) {
                return Ok((Err(ErrorCode::NoEntry),));
            }
            let renamed = files.rename_at(from, old, to, new);
            told(&mut files, renamed)
        },
    )?;
    interface.func_wrap(
        "[method]descriptor.link-at",
        |mut store: Store<'_>, (from, how, old, to, new): (Directory, PathFlags, String, Directory, String)| {
            let mut files = store.data_mut().filesystem();
            if leads_into_store(&mut files, &from, &old) || leads_into_store(&mut files, &to, &new) {
                return Ok((Err(ErrorCode::NoEntry),));
            }
            let linked = files.link_at(from, how, old, to, new);
            told(&mut files, linked)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

/// What comes back over the border: what went wrong is the guest's to know.
type Told = wasmtime::Result<(Result<(), ErrorCode>,)>;

fn one(
    store: &mut Store<'_>,
    directory: Directory,
    path: String,
    change: impl FnOnce(&mut WasiFilesystemCtxView<'_>, Directory, String) -> FsResult<()>,
) -> Told {
    let mut files = store.data_mut().filesystem();
    if leads_into_store(&mut files, &directory, &path) {
        return Ok((Err(ErrorCode::NoEntry),));
    }
    let changed = change(&mut files, directory, path);
    told(&mut files, changed)
}

fn told(files: &mut WasiFilesystemCtxView<'_>, outcome: FsResult<()>) -> Told {
    match outcome {
        Ok(()) => Ok((Ok(()),)),
        Err(error) => Ok((Err(files.convert_error_code(error)?),)),
    }
}
