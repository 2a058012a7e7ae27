//! Words of public notices: what users see, where, since when, what we do, when we say more.
//! Never a cause, a partner, a code or an internal name.

use crate::engine::{Notice, NoticeMatter, NoticeStage, NoticeUpdate};

use super::place::joined;

/// The languages that notices are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
}

impl Language {
    /// The code for `lang` attributes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
        }
    }
}

/// One update in words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeText {
    /// What is said.
    pub body: String,
    /// When more is promised; empty once it is over.
    pub next: String,
}

/// The notice's title; it stays the same while the pods hit do.
pub fn notice_title(notice: &Notice, language: Language) -> String {
    match language {
        Language::English => {
            let what = match (notice.hit, notice.everybody) {
                (NoticeMatter::Connections, true) => "Calls are unavailable",
                (NoticeMatter::Connections, false) => "Some agents cannot make or receive calls",
                (NoticeMatter::MakingCalls, true) => "Agents cannot make calls",
                (NoticeMatter::MakingCalls, false) => "Some calls that agents make fail",
                (NoticeMatter::ReceivingCalls, true) => "Agents cannot receive calls",
                (NoticeMatter::ReceivingCalls, false) => "Some calls to agents fail",
                (NoticeMatter::Calls, true) => "Calls fail",
                (NoticeMatter::Calls, false) => "Some calls fail",
                (NoticeMatter::CallQuality, _) => "Calls are working, with problems,",
            };
            format!("{what} in {}", english_place(notice))
        }
    }
}

/// One update of a notice in words.
pub fn notice_text(notice: &Notice, update: &NoticeUpdate, language: Language) -> NoticeText {
    match language {
        Language::English => english(notice, update),
    }
}

fn english(notice: &Notice, update: &NoticeUpdate) -> NoticeText {
    let place = english_place(notice);
    let what = match (notice.hit, notice.everybody) {
        (NoticeMatter::Connections, true) => format!("Agents in {place} have not been able to make or receive calls"),
        (NoticeMatter::Connections, false) => {
            format!("Some agents in {place} have not been able to make or receive calls")
        }
        (NoticeMatter::MakingCalls, true) => format!("Calls that agents in {place} make have been failing"),
        (NoticeMatter::MakingCalls, false) => format!("Some calls that agents in {place} make have been failing"),
        (NoticeMatter::ReceivingCalls, true) => format!("Calls to agents in {place} have been failing"),
        (NoticeMatter::ReceivingCalls, false) => format!("Some calls to agents in {place} have been failing"),
        (NoticeMatter::Calls, true) => format!("Calls in {place} have been failing"),
        (NoticeMatter::Calls, false) => format!("Some calls in {place} have been failing"),
        (NoticeMatter::CallQuality, _) => format!("Calls in {place} have been working, but not as well as usual,"),
    };
    let since = format!("{} UTC", &notice.started.date_and_clock()[..16]);
    let body = match update.stage {
        NoticeStage::Investigating => {
            format!("{what} since {since}. Our monitoring has found it, and we are looking for the cause.")
        }
        NoticeStage::Identified => {
            format!("{what} since {since}. We know where the problem lies and are working to get it fixed.")
        }
        NoticeStage::Monitoring => {
            format!("Calls in {place} are working again in our tests. We keep watching before we call this resolved.")
        }
        NoticeStage::Resolved => format!(
            "Calls in {place} are working again. The problem lasted from {since} to {} UTC. Our tests have passed steadily since.",
            last_bad(notice, update)
        ),
    };
    let next = match (update.stage, update.next_by) {
        (NoticeStage::Resolved, _) | (_, None) => String::new(),
        (_, Some(by)) => format!("We will say more by {} UTC.", &by.date_and_clock()[..16]),
    };
    NoticeText { body, next }
}

/// When it was last bad: the moment it was first seen to be better, if that was said.
fn last_bad(notice: &Notice, update: &NoticeUpdate) -> String {
    let better = notice.updates.iter().rev().find(|earlier| earlier.stage == NoticeStage::Monitoring);
    better.map_or(update.at, |earlier| earlier.at).date_and_clock()[..16].to_owned()
}

fn english_place(notice: &Notice) -> String {
    match notice.public_names.as_slice() {
        [] => "all regions".to_owned(),
        names if notice.all_pods && names.len() > 1 => "all regions".to_owned(),
        names => joined(names),
    }
}
