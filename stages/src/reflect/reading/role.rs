//! What the fields of a JSON object tell of the call that it answers, by their names.

use crate::reflect::rule_set::RuleSet;

/// What a field of an envelope is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    Exit,
    HttpStatus,
    Status,
    Code,
    Success,
    Failure,
    Error,
    /// A text about what happened.
    Message,
    /// A text that a program wrote, or that a tool returned.
    Stream,
    /// Holds the result, whatever it is.
    Wrapper,
    /// Tells of the call, not of its result.
    About,
    Data,
}

impl Role {
    /// The role of a field by its name, whatever its case; some names also depend on the value.
    pub(super) fn of(key: &str, value: &str, rules: &RuleSet) -> Self {
        let mut name = String::with_capacity(key.len());
        name.extend(key.chars().filter(|sign| sign.is_alphanumeric()).map(|sign| sign.to_ascii_lowercase()));
        let listed = |list: &[String]| list.contains(&name);
        if listed(&rules.success_fields) {
            return Self::Success;
        }
        if listed(&rules.failure_fields) && matches!(value, "true" | "false") {
            return Self::Failure;
        }
        if listed(&rules.error_fields) {
            return Self::Error;
        }
        match name.as_str() {
            "exitcode" | "exitstatus" | "returncode" | "returnstatus" | "exit" | "rc" => Self::Exit,
            "outcome" | "run" | "process" | "execution" | "status" | "detail" if value.starts_with('{') => {
                Self::Wrapper
            }
            "statuscode" | "httpstatus" | "httpstatuscode" | "httpcode" | "responsecode" => Self::HttpStatus,
            "status" | "state" | "outcome" | "type" | "outputtype" | "kind" | "level" | "ack" | "acknowledgement"
            | "verdict" | "decision" | "responsestatus" | "resultstatus" | "object" => Self::Status,
            "result" if value.starts_with('"') && value.len() < 24 => Self::Status,
            "code" | "errcode" | "errorcode" | "errno" | "retcode" | "ret" | "resultcode" | "cod" => Self::Code,
            "message" | "msg" | "reason" | "because" | "why" | "explanation" | "detail" | "details" | "description"
            | "title" | "cause" | "hint" | "suggestion" | "errorcause" | "evalue" | "warning" | "warnings" | "info"
            | "help" | "comment" | "remark" | "notice" | "note" | "statustext" | "statusmessage" | "missing"
            | "missingfields" | "missingparameters" | "missingarguments" => Self::Message,
            "stdout" | "stderr" | "output" | "text" | "observation" | "obs" | "logs" | "log" | "console" => {
                Self::Stream
            }
            "data" | "result" | "results" | "response" | "payload" | "body" | "return" | "returnvalue" | "content"
            | "answer" | "value" | "tooloutput" | "toolresult" | "toolresponse" | "functionresponse" => Self::Wrapper,
            "id" | "jsonrpc" | "requestid" | "traceid" | "timestamp" | "time" | "duration" | "durationms"
            | "durations" | "durationseconds" | "elapsed" | "executiontime" | "walltime" | "tool" | "toolname"
            | "toolcallid" | "toolcall" | "calltool" | "name" | "role" | "meta" | "metadata" | "annotations"
            | "version" | "path" | "truncated" | "signal" | "pid" | "cwd" | "command" | "headers" | "contenttype"
            | "method" | "url" | "structuredcontent" | "reward" | "done" | "score" | "documentation"
            | "documentationurl" | "docs" | "retryafter" | "extensions" | "instance" | "severity" | "field"
            | "param" | "parameter" | "argument" | "rule" | "language" | "sqlstate" => Self::About,
            _ => Self::Data,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_spelling() {
        let rules = RuleSet::built_in();
        for (key, value, role) in [
            ("exit_code", "1", Role::Exit),
            ("exitCode", "1", Role::Exit),
            ("isError", "true", Role::Error),
            ("failed", "true", Role::Failure),
            ("failed", "3", Role::Data),
            ("result", "\"error\"", Role::Status),
            ("result", "{}", Role::Wrapper),
            ("status", "{}", Role::Wrapper),
            ("statusText", "\"Conflict\"", Role::Message),
            ("order", "1", Role::Data),
        ] {
            assert_eq!(Role::of(key, value, &rules), role, "{key}: {value}");
        }
    }
}
