//! Tokens that are refused or misread.

use crate::model::Step::Connected;
use crate::model::Symbol::{self, Dash, Underscore};

use super::super::behaviour::{Behaviour, Ending, SessionFault};
use super::super::misparse::{Misparse, Part, Wrong};
use super::entry::Expected::Failed;
use super::entry::Group::Token;
use super::entry::{Entry, entry};

/// A close after a refusal, as the partner does it.
const CLOSE: Ending = Ending::Close(1000);

const fn refuse(code: u32, then: Ending) -> Behaviour {
    Behaviour::Session(SessionFault::Refuse { code, retry_after_s: None, then })
}

const fn misparse(wrong: Wrong, symbol: Option<Symbol>) -> Behaviour {
    Behaviour::Session(SessionFault::Misparse(Misparse { wrong, part: Part::Both, symbol }))
}

const fn end_before(ending: Ending) -> Behaviour {
    Behaviour::Session(SessionFault::EndBeforeConnected(ending))
}

/// The chapter's faults.
pub(super) const ENTRIES: &[Entry] = &[
    entry(
        "token-invalid",
        Token,
        refuse(31204, CLOSE),
        Failed(Connected),
        "refuses every token as unreadable: error 31204, then closes",
    ),
    entry(
        "token-invalid-dropped",
        Token,
        refuse(31204, Ending::Drop),
        Failed(Connected),
        "error 31204, then drops TCP without a close",
    ),
    entry(
        "token-invalid-open",
        Token,
        refuse(31204, Ending::Open),
        Failed(Connected),
        "error 31204 and keeps the socket open",
    ),
    entry(
        "token-signature-refused",
        Token,
        refuse(31202, CLOSE),
        Failed(Connected),
        "error 31202 (signature), then closes",
    ),
    entry("token-expired", Token, refuse(31205, CLOSE), Failed(Connected), "error 31205 (expired), then closes"),
    entry(
        "token-unauthorised",
        Token,
        refuse(31201, CLOSE),
        Failed(Connected),
        "error 31201 (not authorised), then closes",
    ),
    entry(
        "token-account-unknown",
        Token,
        refuse(31203, CLOSE),
        Failed(Connected),
        "error 31203 (no valid account), then closes",
    ),
    entry(
        "token-lives-too-long",
        Token,
        refuse(31207, CLOSE),
        Failed(Connected),
        "error 31207 (lives too long), then closes",
    ),
    entry(
        "token-missing",
        Token,
        refuse(31102, CLOSE),
        Failed(Connected),
        "error 31102 (no token in the message), then closes",
    ),
    entry(
        "token-rejected-20101",
        Token,
        refuse(20101, CLOSE),
        Failed(Connected),
        "error 20101 (access token invalid), then closes",
    ),
    entry(
        "token-rejected-51007",
        Token,
        refuse(51007, CLOSE),
        Failed(Connected),
        "error 51007 (refused by the authentication service), then closes",
    ),
    entry(
        "token-closed-1008",
        Token,
        end_before(Ending::Close(1008)),
        Failed(Connected),
        "closes with 1008 on the token, without an error frame",
    ),
    entry(
        "parser-fails",
        Token,
        misparse(Wrong::Fails, None),
        Failed(Connected),
        "knows standard base64 only: tokens with - or _ are unreadable",
    ),
    entry("parser-drops", Token, misparse(Wrong::Drops, None), Failed(Connected), "drops - and _ while decoding"),
    entry(
        "parser-maps-dash-only",
        Token,
        misparse(Wrong::Drops, Some(Underscore)),
        Failed(Connected),
        "maps - as it should and drops _",
    ),
    entry(
        "parser-maps-underscore-only",
        Token,
        misparse(Wrong::Drops, Some(Dash)),
        Failed(Connected),
        "maps _ as it should and drops -",
    ),
    entry(
        "parser-wrong-at-offset",
        Token,
        misparse(Wrong::AtOffset(11), None),
        Failed(Connected),
        "misreads - and _ at one offset (11 unless set)",
    ),
    entry(
        "parser-wrong-at-residue",
        Token,
        misparse(Wrong::AtResidue(3), None),
        Failed(Connected),
        "misreads - and _ at offsets with one residue mod 4 (3 unless set)",
    ),
    entry(
        "parser-wrong-in-last-group",
        Token,
        misparse(Wrong::InLastGroup, None),
        Failed(Connected),
        "misreads - and _ in the last group of four",
    ),
    entry(
        "parser-wrong-past",
        Token,
        misparse(Wrong::Past(32), None),
        Failed(Connected),
        "misreads - and _ from one offset on (32 unless set)",
    ),
    entry(
        "parser-demands-padding",
        Token,
        misparse(Wrong::DemandsPadding, None),
        Failed(Connected),
        "demands =, which tokens never have",
    ),
    entry(
        "parser-compares-reencoded",
        Token,
        misparse(Wrong::Compares, None),
        Failed(Connected),
        "encodes what it read in standard base64 and compares",
    ),
];
