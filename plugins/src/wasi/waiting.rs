//! What a plugin may wait for: a pollable, a stream. The deadline of a call ends code of the guest, but no function of the
//! host; so these end with the call's time themselves.

use std::time::Instant;

use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::io::poll::{Host as LatePoll, HostPollable as LatePollable};
use wasmtime_wasi::p2::bindings::io::streams::{
    Host as LateStreams, HostInputStream as LateInput, HostOutputStream as LateOutput,
};
use wasmtime_wasi::p2::bindings::sync::io::poll::{Host as PollHost, HostPollable};
use wasmtime_wasi::p2::bindings::sync::io::streams::{self, Host as StreamsHost, HostInputStream, HostOutputStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, DynPollable, StreamError, StreamResult};
use wasmtime_wasi::runtime::in_tokio;

/// The resources of a guest, until its call is over.
pub(crate) struct Waiting<'a> {
    pub(super) table: &'a mut ResourceTable,
    pub(super) until: Instant,
}

impl Waiting<'_> {
    /// What a future gives, if it does so in time.
    fn wait<T, E: From<TooLate>>(
        &mut self,
        begin: impl AsyncFnOnce(&mut ResourceTable) -> Result<T, E>,
    ) -> Result<T, E> {
        let until = self.until.into();
        in_tokio(async {
            match tokio::time::timeout_at(until, begin(self.table)).await {
                Ok(given) => given,
                Err(_) => Err(TooLate.into()),
            }
        })
    }
}

/// The call's time is over. As with its code, what it says to the guest is the end of it.
pub(super) struct TooLate;

impl From<TooLate> for wasmtime::Error {
    fn from(_: TooLate) -> Self {
        wasmtime::Trap::Interrupt.into()
    }
}

impl From<TooLate> for StreamError {
    fn from(late: TooLate) -> Self {
        Self::Trap(late.into())
    }
}

impl PollHost for Waiting<'_> {
    fn poll(&mut self, pollables: Vec<Resource<DynPollable>>) -> wasmtime::Result<Vec<u32>> {
        self.wait(async |table| LatePoll::poll(table, pollables).await)
    }
}

impl HostPollable for Waiting<'_> {
    fn ready(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<bool> {
        self.wait(async |table| LatePollable::ready(table, pollable).await)
    }

    fn block(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        self.wait(async |table| LatePollable::block(table, pollable).await)
    }

    fn drop(&mut self, pollable: Resource<DynPollable>) -> wasmtime::Result<()> {
        LatePollable::drop(self.table, pollable)
    }
}

impl StreamsHost for Waiting<'_> {
    fn convert_stream_error(&mut self, error: StreamError) -> wasmtime::Result<streams::StreamError> {
        Ok(LateStreams::convert_stream_error(self.table, error)?.into())
    }
}

impl HostInputStream for Waiting<'_> {
    fn read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        LateInput::read(self.table, stream, length)
    }

    fn blocking_read(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<Vec<u8>> {
        self.wait(async |table| LateInput::blocking_read(table, stream, length).await)
    }

    fn skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        LateInput::skip(self.table, stream, length)
    }

    fn blocking_skip(&mut self, stream: Resource<DynInputStream>, length: u64) -> StreamResult<u64> {
        self.wait(async |table| LateInput::blocking_skip(table, stream, length).await)
    }

    fn subscribe(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        LateInput::subscribe(self.table, stream)
    }

    fn drop(&mut self, stream: Resource<DynInputStream>) -> wasmtime::Result<()> {
        self.wait(async |table| LateInput::drop(table, stream).await)
    }
}

impl HostOutputStream for Waiting<'_> {
    fn check_write(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<u64> {
        LateOutput::check_write(self.table, stream)
    }

    fn write(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        LateOutput::write(self.table, stream, bytes)
    }

    fn blocking_write_and_flush(&mut self, stream: Resource<DynOutputStream>, bytes: Vec<u8>) -> StreamResult<()> {
        self.wait(async |table| LateOutput::blocking_write_and_flush(table, stream, bytes).await)
    }

    fn flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        LateOutput::flush(self.table, stream)
    }

    fn blocking_flush(&mut self, stream: Resource<DynOutputStream>) -> StreamResult<()> {
        self.wait(async |table| LateOutput::blocking_flush(table, stream).await)
    }

    fn subscribe(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<Resource<DynPollable>> {
        LateOutput::subscribe(self.table, stream)
    }

    fn write_zeroes(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        LateOutput::write_zeroes(self.table, stream, length)
    }

    fn blocking_write_zeroes_and_flush(&mut self, stream: Resource<DynOutputStream>, length: u64) -> StreamResult<()> {
        self.wait(async |table| LateOutput::blocking_write_zeroes_and_flush(table, stream, length).await)
    }

    fn splice(
        &mut self,
        into: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        LateOutput::splice(self.table, into, from, length)
    }

    fn blocking_splice(
        &mut self,
        into: Resource<DynOutputStream>,
        from: Resource<DynInputStream>,
        length: u64,
    ) -> StreamResult<u64> {
        self.wait(async |table| LateOutput::blocking_splice(table, into, from, length).await)
    }

    fn drop(&mut self, stream: Resource<DynOutputStream>) -> wasmtime::Result<()> {
        self.wait(async |table| LateOutput::drop(table, stream).await)
    }
}
