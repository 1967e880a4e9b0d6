//! Error pages and error documents: HTML whose title is an error status, and XML that is an error and no more.

use std::sync::LazyLock;

use regex::Regex;

use crate::pattern::in_ascii;

/// How far in a page its title stands.
const BEGINNING: usize = 1_500;

static TITLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let phrases = "bad request|unauthori[sz]ed|forbidden|not found|too many requests|internal server error|bad gateway|\
        service (?:temporarily )?unavailable|gateway time-?out|method not allowed|access denied|server error";
    Regex::new(&in_ascii(&format!(
        r"(?i)<(?:title|h1)>\s*(?:(?:error |http )?[45]\d\d[\s:-]*(?:error|{phrases})[^<]{{0,40}}|(?:{phrases}))\s*</"
    )))
    .ok()
});

/// An element for an error at the root of a document.
static ROOT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let envelope = r"(?:<(?:\w+:)?(?:Envelope|Body)\b[^>]*>\s*)*";
    let error = r"<(?:\w+:)?(?:Error|error|Errors|errors|ErrorResponse|Fault|fault|ServiceException\w*|Exception\w*)\b";
    Regex::new(&in_ascii(&format!(r"^(?:<\?xml[^>]*>\s*)?{envelope}{error}"))).ok()
});

/// What of a page shows that it stands for an error.
pub(super) fn error_page(text: &str) -> Option<&str> {
    if !text.starts_with('<') {
        return None;
    }
    let beginning = &text[..text.floor_char_boundary(BEGINNING)];
    let lower = beginning.get(..15).unwrap_or(beginning).to_ascii_lowercase();
    let is_page = ["<!doctype html", "<html", "<head"].iter().any(|tag| lower.starts_with(tag));
    let pattern = if is_page { &TITLE } else { &ROOT };
    let found = pattern.as_ref()?.find(beginning)?;
    Some(beginning[found.start()..].lines().next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_documents_that_stand_for_an_error() {
        for (text, is_error) in [
            ("<html>\n<head><title>504 Gateway Time-out</title></head></html>", true),
            ("<!DOCTYPE html><html><h1>Not Found</h1></html>", true),
            ("<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code></Error>", true),
            ("<soap:Envelope xmlns:soap=\"x\"><soap:Body><soap:Fault>x</soap:Fault></soap:Body></soap:Envelope>", true),
            ("<html><head><title>Errors and what to do</title></head></html>", false),
            ("<html><head><title>404 ways to cook rice</title></head></html>", false),
            ("<log><error>x</error></log>", false),
            ("404 Not Found", false),
        ] {
            assert_eq!(error_page(text).is_some(), is_error, "{text}");
        }
    }
}
