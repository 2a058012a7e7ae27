//! Session descriptions that a fault has spoilt.

use crate::call::without_candidates;
use crate::sim::call_fault::{CallFault, DescriptionFault};

/// An address at which nobody answers; on this machine, so that nothing leaves it.
const DEAD_CANDIDATE: &str = "127.0.0.1 9 ";

/// A session description as the fault has it.
pub(super) fn spoilt(description: String, fault: Option<CallFault>) -> String {
    let Some(CallFault::Description(fault)) = fault else { return description };
    match fault {
        DescriptionFault::Garbage => "this is no session description".to_owned(),
        DescriptionFault::Truncated => description.chars().take(description.len() / 3).collect(),
        DescriptionFault::NoCodec => {
            let description = description.replace("opus/48000/2", "iLBC/8000");
            description.replace("PCMU/8000", "iLBC/8000").replace("SAVPF 0", "SAVPF 97").replace(":0 iLBC", ":97 iLBC")
        }
        DescriptionFault::NoEvents => description.replace("telephone-event/", "none/"),
        DescriptionFault::WrongFingerprint => {
            lines(&description, |line| match line.strip_prefix("a=fingerprint:sha-256 ") {
                Some(_) => format!("a=fingerprint:sha-256 {}", vec!["AB"; 32].join(":")),
                None => line.to_owned(),
            })
        }
        DescriptionFault::NoCandidates => without_candidates(&description),
        DescriptionFault::DeadCandidate => lines(&description, |line| match line.split_once(" 127.0.0.1 ") {
            Some((before, after)) if line.starts_with("a=candidate:") => {
                let after = after.split_once(' ').map_or("", |(_, after)| after);
                format!("{before} {DEAD_CANDIDATE}{after}")
            }
            _ => line.to_owned(),
        }),
        DescriptionFault::WrongCredentials => lines(&description, |line| match line.strip_prefix("a=ice-pwd:") {
            Some(_) => "a=ice-pwd:0123456789abcdefghijklmn".to_owned(),
            None => line.to_owned(),
        }),
    }
}

fn lines(description: &str, line: impl Fn(&str) -> String) -> String {
    description.lines().flat_map(|old| [line(old), "\r\n".to_owned()]).collect()
}
