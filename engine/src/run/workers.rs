//! The threads that work side by side: as many as are asked for, or fewer, where the system gives no more.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::report::RunError;

/// What the first thread of a program has on most systems: whole commands are carried out on any of them.
const STACK_BYTES: usize = 8 << 20;

/// Starts threads, 0: as many as the machine has. Whatever is [`ThreadPool::install`]ed in them works with them, an engine's
/// runs included. Where the system gives none at all, the thread that asks does the work alone.
///
/// # Errors
/// If not even that can be set up.
pub fn workers(threads: usize) -> Result<ThreadPool, RunError> {
    let wanted = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    let found = as_many(wanted, |count| ThreadPoolBuilder::new().num_threads(count).stack_size(STACK_BYTES).build());
    let (pool, count) = match found {
        Ok(found) => found,
        Err(_) => (ThreadPoolBuilder::new().num_threads(1).use_current_thread().build()?, 0),
    };
    if count < wanted {
        let count = count.max(1);
        tracing::warn!(
            "works with {count} of {wanted} threads: the system gives no more (`ulimit -u`, or the limits of a container)"
        );
    }
    Ok(pool)
}

/// What a number of threads gives, or half as many, and so on; and how many it was.
fn as_many<T>(
    wanted: usize,
    start: impl Fn(usize) -> Result<T, ThreadPoolBuildError>,
) -> Result<(T, usize), ThreadPoolBuildError> {
    let mut count = wanted;
    loop {
        match start(count) {
            Ok(started) => return Ok((started, count)),
            Err(error) if count <= 1 => return Err(error),
            Err(_) => count /= 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn as_many_as_there_are() {
        let nothing =
            || ThreadPoolBuilder::new().num_threads(1).spawn_handler(|_| Err(std::io::Error::other("no"))).build();
        let tried = RefCell::new(Vec::new());
        let start = |most: usize| {
            let tried = &tried;
            move |count: usize| {
                tried.borrow_mut().push(count);
                if count <= most { Ok(()) } else { Err(nothing().unwrap_err()) }
            }
        };
        assert_eq!(as_many(20, start(6)).unwrap(), ((), 5));
        assert!(as_many(3, start(0)).is_err());
        assert_eq!(tried.take(), [20, 10, 5, 3, 1]);
        assert_eq!(workers(3).unwrap().current_num_threads(), 3);
    }
}
