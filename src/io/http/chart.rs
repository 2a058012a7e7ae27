//! Small drawings as SVG, made on the server so that they are there without scripts. Colours come
//! from the style sheet; nothing in them is text that somebody else wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::engine::OutcomeMark;
use crate::model::Share;

/// Marks on a strip.
const MARKS: usize = 60;
/// Width of one mark with its gap, and the strip's height, in drawing units.
const PITCH: usize = 5;
const HEIGHT: u32 = 28;

/// The newest outcomes as bars, newest at the right. A failure fills the whole height; a success
/// is as high as it was slow. So they differ in form, not only in colour.
pub(super) fn strip(marks: &[OutcomeMark]) -> String {
    let shown = &marks[marks.len().saturating_sub(MARKS)..];
    let mut paths: BTreeMap<&str, String> = BTreeMap::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, mark) in shown.iter().enumerate() {
        let x = (MARKS - shown.len() + place) * PITCH;
        let height = bar_height(mark);
        let path = paths.entry(mark.outcome).or_default();
        let _ = write!(path, "M{x} {}h4v{height}h-4z", HEIGHT - height);
        *counts.entry(mark.outcome).or_default() += 1;
    }
    let told: Vec<String> = counts.iter().map(|(outcome, n)| format!("{n} {outcome}")).collect();
    let told = if told.is_empty() { "no outcomes yet".to_owned() } else { told.join(", ") };
    let mut svg = format!(
        "<svg class=\"strip\" viewBox=\"0 0 {} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"Newest outcomes: {told}\"><title>{told}</title>\
         <path class=\"ground\" d=\"M0 {HEIGHT}h{}\"/>",
        MARKS * PITCH,
        MARKS * PITCH
    );
    for (outcome, path) in paths {
        let _ = write!(svg, "<path class=\"mark-{outcome}\" d=\"{path}\"/>");
    }
    svg.push_str("</svg>");
    svg
}

/// Logarithmic: 30 ms is low, 5 s is high.
fn bar_height(mark: &OutcomeMark) -> u32 {
    match mark.outcome {
        "failed" => HEIGHT,
        "lost" => 4,
        _ => {
            let slowness = (f64::from(mark.took_ms.max(1)) / 30.0).ln() / (5000.0_f64 / 30.0).ln();
            6 + (slowness.clamp(0.0, 1.0) * 14.0).round() as u32
        }
    }
}

/// How full something is, as a bar.
pub(super) fn gauge(fill: Share, told: &str) -> String {
    let level = match fill.get() {
        ..0.5 => "low",
        0.5..1.0 => "high",
        _ => "full",
    };
    format!(
        "<svg class=\"gauge {level}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{told}: {fill}\"><title>{told}: {fill}</title>\
         <rect class=\"track\" width=\"100\" height=\"8\" rx=\"4\"/><rect class=\"fill\" width=\"{:.1}\" height=\"8\" rx=\"4\"/></svg>",
        fill.get() * 100.0
    )
}

/// Steps of an attempt on a common time line; each is an offset and a length in milliseconds.
pub(super) fn timeline(steps: &[(&'static str, f64)], failed: Option<&str>) -> String {
    let whole: f64 = steps.iter().map(|(_, took)| took).sum::<f64>().max(0.001);
    let height = steps.len() * 10;
    let mut svg = format!(
        "<svg class=\"timeline\" viewBox=\"0 0 100 {height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
    );
    let mut x = 0.0;
    for (row, (step, took)) in steps.iter().enumerate() {
        let width = took / whole * 100.0;
        let class = if failed == Some(*step) { "mark-failed" } else { "mark-completed" };
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{}\" width=\"{:.2}\" height=\"6\"/>",
            row * 10 + 2,
            width.max(0.4)
        );
        x += width;
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_strip_is_told_in_words_too() {
        let mark = |outcome, took_ms| OutcomeMark { at: Timestamp::default(), outcome, took_ms };
        let svg = strip(&[mark("completed", 200), mark("failed", 180), mark("completed", 90)]);
        assert!(svg.contains("aria-label=\"Newest outcomes: 2 completed, 1 failed\""), "{svg}");
        assert!(svg.contains("<path class=\"mark-failed\" d=\"M290 0h4v28h-4z\"/>"), "{svg}");
        assert!(strip(&[]).contains("no outcomes yet"));
    }

    #[test]
    fn a_strip_shows_the_newest() {
        let mark = OutcomeMark { at: Timestamp::default(), outcome: "completed", took_ms: 30 };
        let svg = strip(&vec![mark; 200]);
        assert_eq!(svg.matches("h4v").count(), MARKS);
    }
}
