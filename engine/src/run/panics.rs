//! Panics of stages, turned into errors where a part's work begins: one bad part must not take down the run, which has
//! to record how it ended. Not a way to handle errors: a stage that panics is wrong.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::stage::StageError;

/// Does a part's work; a panic in it becomes an error that names the part. The usual message of the panic, with its place
/// in the code, has gone to stderr by then.
pub(crate) fn caught<T>(part: &str, work: impl FnOnce() -> Result<T, StageError>) -> Result<T, StageError> {
    // Nothing that the work leaves half done is looked at again: its attempt has no commit, and locks are taken even if
    // their holder panicked.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        Err(StageError::new(format!("the stage panicked: {}", text_of(payload.as_ref())))
            .place(part)
            .help("this is a fault of the stage, not of the data: please report it; what was committed is kept"))
    })
}

/// What the panic said: literals and formatted texts come in different types.
fn text_of(payload: &(dyn Any + Send)) -> &str {
    let literal = payload.downcast_ref::<&str>().copied();
    literal.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    fn told(work: impl FnOnce() -> Result<u32, StageError>) -> String {
        caught("a.jsonl, records 0-3", work).unwrap_err().to_string()
    }

    #[test]
    fn panics_become_errors_that_name_the_part() {
        insta::assert_snapshot!(told(|| panic!("no luck")), @"a.jsonl, records 0-3: the stage panicked: no luck");
        insta::assert_snapshot!(told(|| panic!("no luck with {}", 3)), @"a.jsonl, records 0-3: the stage panicked: no luck with 3");
        insta::assert_snapshot!(told(|| std::panic::panic_any(3)), @"a.jsonl, records 0-3: the stage panicked: no message");
    }

    #[test]
    fn a_panic_on_another_thread_is_caught_as_well() {
        let work = || Ok((0..64_u32).into_par_iter().map(|number| 7 / (number / 64)).sum());
        insta::assert_snapshot!(told(work), @"a.jsonl, records 0-3: the stage panicked: attempt to divide by zero");
    }

    #[test]
    fn results_and_errors_pass() {
        assert_eq!(caught("x", || Ok(3)), Ok(3));
        let error = StageError::new("no such file").place("b.jsonl:7");
        assert_eq!(caught("x", || Err::<u32, _>(error.clone())), Err(error));
    }
}
