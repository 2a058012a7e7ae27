//! What the dashboard says of a pod's test calls in one small cell: making, receiving, quality.

use crate::engine::calls::CallView;
use crate::engine::{AlertState, PodView, View};
use crate::model::CallDirection;

/// A line of the cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CallWords {
    pub(super) text: String,
    pub(super) is_bad: bool,
}

/// The lines; none for a pod without test calls.
pub(super) fn words(pod: &PodView, view: &View) -> Vec<CallWords> {
    let lines = pod.calls.iter().map(direction);
    lines.chain(quality(pod, view)).collect()
}

fn direction(call: &CallView) -> CallWords {
    let what = match call.direction {
        CallDirection::Outbound => "making",
        CallDirection::Inbound => "receiving",
    };
    let (failed, of) = call.recent;
    let how = match call.stopped {
        Some(_) => "no budget".to_owned(),
        None if !call.looked_at => "not looked at".to_owned(),
        None => format!("{failed} of {of}"),
    };
    CallWords { text: format!("{what} {how}"), is_bad: failed > 0 }
}

/// The worse of both directions.
fn quality(pod: &PodView, view: &View) -> Option<CallWords> {
    let mos = pod.calls.iter().filter_map(|call| call.mos_centi).min()?;
    let is_of_quality = |rule: crate::engine::Rule| rule.is_of_calls() && rule.failing_calls().is_none();
    let is_bad = view.alerts.iter().any(|alert| {
        alert.pod.as_ref() == Some(&pod.name) && alert.state == AlertState::Firing && is_of_quality(alert.rule)
    });
    Some(CallWords { text: format!("quality {:.1}", f64::from(mos) / 100.0), is_bad })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::http::sample;
    use crate::plan::KOfN;

    fn call(direction: CallDirection, recent: (u32, u32), mos_centi: Option<u32>) -> CallView {
        CallView {
            direction,
            recent,
            rule: KOfN { k: 4, n: 12 },
            looked_at: true,
            stopped: None,
            last: None,
            set_up_ms: None,
            delivery_ms: None,
            mos_centi,
            loss_permille: None,
        }
    }

    #[test]
    fn a_cell_says_how_calls_fare_and_what_is_not_known() {
        let view = sample::incident();
        let mut pod = view.pods[0].clone();
        assert_eq!(words(&pod, &view), [], "no probe calls there");
        let outbound = call(CallDirection::Outbound, (0, 12), Some(431));
        let inbound = call(CallDirection::Inbound, (2, 12), Some(402));
        let told = |pod: &PodView| {
            let line = |words: CallWords| format!("{}{}", words.text, if words.is_bad { "!" } else { "" });
            words(pod, &view).into_iter().map(line).collect::<Vec<_>>()
        };
        pod.calls = vec![outbound.clone(), inbound.clone()];
        assert_eq!(told(&pod), ["making 0 of 12", "receiving 2 of 12!", "quality 4.0"]);
        let unseen = CallView { looked_at: false, mos_centi: None, ..outbound };
        let spent = CallView { stopped: Some(sample::NOW), recent: (0, 3), mos_centi: None, ..inbound };
        pod.calls = vec![unseen, spent];
        assert_eq!(told(&pod), ["making not looked at", "receiving no budget"]);
    }
}
