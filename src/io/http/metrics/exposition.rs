//! The two text formats: OpenMetrics 1.0 for scrapers that ask for it, else Prometheus 0.0.4,
//! which every tool reads.

use std::fmt::Write as _;

use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

use super::families::Scrape;

/// A text format for metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus text 0.0.4.
    Prometheus,
}

impl Format {
    /// The format that a request's `Accept` asks for.
    pub fn wanted(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("application/openmetrics-text") => Self::OpenMetrics,
            _ => Self::Prometheus,
        }
    }

    /// The answer's `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        }
    }
}

pub(super) fn render(scrape: Scrape, format: Format) -> String {
    let mut registry = Registry::with_prefix("ringcheck");
    registry.register_collector(Box::new(scrape));
    let mut page = String::new();
    text::encode(&mut page, &registry).expect("writing to a string cannot fail");
    match format {
        Format::OpenMetrics => page,
        Format::Prometheus => to_prometheus(&page),
    }
}

/// The older format differs in two things: a counter's family carries the `_total` of its
/// samples, and there is no end mark.
fn to_prometheus(page: &str) -> String {
    let counters: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
    let mut text = String::with_capacity(page.len() + 64);
    for line in page.lines() {
        let described = line.strip_prefix("# HELP ").or_else(|| line.strip_prefix("# TYPE "));
        let family = described.and_then(|rest| rest.split(' ').next()).filter(|name| counters.contains(name));
        match family {
            Some(name) => {
                let (head, tail) = (&line[..7 + name.len()], &line[7 + name.len()..]);
                let _ = writeln!(text, "{head}_total{tail}");
            }
            None if line == "# EOF" => {}
            None => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}
