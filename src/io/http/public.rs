//! The public side: everything is rendered when the public state changes, and served from memory.
//! A request costs a look-up and a copy of some headers, so that an outage's crowd finds the page.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use crate::engine::View;
use crate::model::{StableHasher, Timestamp};
use crate::plan::StatusPageSettings;

use super::assets::STATUS_CSS;
use super::dashboard::STALE_AFTER;
use super::public_page;
use super::statuspage::{Summary, gone_grey};

/// How long browsers and caches may keep an answer.
const CACHE: &str = "public, max-age=15, stale-while-revalidate=30";
/// How often the state is looked at when nothing changes: minutes on the page go on, and a state
/// that is too old turns grey.
const REFRESH: Duration = Duration::from_secs(20);
/// The shortest time between two renderings.
const PACE: Duration = Duration::from_millis(250);

/// Addresses of the public side.
pub(super) const PATHS: [&str; 9] = [
    "/",
    "/api/v2/summary.json",
    "/api/v2/status.json",
    "/api/v2/components.json",
    "/api/v2/incidents.json",
    "/api/v2/incidents/unresolved.json",
    "/api/v2/scheduled-maintenances.json",
    "/api/v2/scheduled-maintenances/upcoming.json",
    "/api/v2/scheduled-maintenances/active.json",
];

/// The public pages in memory.
#[derive(Clone)]
pub struct PublicSite {
    pages: watch::Receiver<Arc<Pages>>,
}

/// One rendering of everything.
struct Pages([Answer; PATHS.len()]);

/// An answer that is ready to go out.
struct Answer {
    body: Bytes,
    headers: HeaderMap,
}

impl PublicSite {
    /// Pages of the newest view; the future keeps them true for as long as views are published,
    /// and has to be run by the caller. Settings are those of the start: a changed title or
    /// address needs a restart.
    pub fn new(
        views: watch::Receiver<Arc<View>>,
        settings: StatusPageSettings,
        now: fn() -> Timestamp,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let first = views.borrow().clone();
        let (publish, pages) = watch::channel(Arc::new(Pages::of(&first, &settings, now())));
        (Self { pages }, keep_true(views, settings, now, publish))
    }

    /// The routes.
    pub fn router(self) -> Router {
        let mut router = Router::new();
        for (place, path) in PATHS.into_iter().enumerate() {
            let serve = move |State(site): State<Self>, headers: HeaderMap| async move { site.answer(place, &headers) };
            router = router.route(path, get(serve));
        }
        router.fallback(nothing_here).with_state(self)
    }

    fn answer(&self, place: usize, asked: &HeaderMap) -> Response {
        let pages = self.pages.borrow();
        let answer = &pages.0[place];
        let known = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
        let tag = answer.headers.get(header::ETAG).and_then(|value| value.to_str().ok());
        let is_known =
            known.zip(tag).is_some_and(|(known, tag)| known == "*" || known.split(',').any(|k| k.trim() == tag));
        let (status, body) = if is_known {
            (StatusCode::NOT_MODIFIED, Body::empty())
        } else {
            (StatusCode::OK, Body::from(answer.body.clone()))
        };
        let mut response = Response::new(body);
        *response.status_mut() = status;
        *response.headers_mut() = answer.headers.clone();
        response
    }
}

async fn nothing_here(uri: Uri) -> Response {
    let text = if uri.path().starts_with("/api/") { "{\"error\":\"not found\"}\n" } else { "There is no such page.\n" };
    (StatusCode::NOT_FOUND, text).into_response()
}

/// Renders anew when what the public sees has changed.
async fn keep_true(
    mut views: watch::Receiver<Arc<View>>,
    settings: StatusPageSettings,
    now: fn() -> Timestamp,
    publish: watch::Sender<Arc<Pages>>,
) {
    let mut shown = None;
    loop {
        let view = views.borrow_and_update().clone();
        let facts = PublicFacts::of(&view, now());
        if shown.as_ref() != Some(&facts) {
            publish.send_replace(Arc::new(Pages::of(&view, &settings, now())));
            shown = Some(facts);
        }
        tokio::time::sleep(PACE).await;
        match tokio::time::timeout(REFRESH, views.changed()).await {
            Ok(Ok(())) | Err(_) => {}
            // The engine is gone: what it said last stays until it is too old.
            Ok(Err(_)) => tokio::time::sleep(REFRESH).await,
        }
    }
}

/// What of a view the public can see; if this is the same, so are the pages.
#[derive(PartialEq)]
struct PublicFacts {
    components: Vec<crate::engine::ComponentStatus>,
    notices: Vec<crate::engine::Notice>,
    minute: i64,
    is_old: bool,
}

impl PublicFacts {
    fn of(view: &View, now: Timestamp) -> Self {
        Self {
            components: view.components.clone(),
            notices: view.notices.clone(),
            minute: now.as_secs().div_euclid(60),
            is_old: is_old(view, now),
        }
    }
}

fn is_old(view: &View, now: Timestamp) -> bool {
    now.since(view.at) > STALE_AFTER
}

impl Pages {
    fn of(view: &View, settings: &StatusPageSettings, now: Timestamp) -> Self {
        let grey = is_old(view, now).then(|| gone_grey(view, now));
        let view = grey.as_ref().unwrap_or(view);
        let all = Summary::of(view, settings);
        let open: Vec<_> = all.incidents.iter().filter(|incident| incident.is_open()).cloned().collect();
        let summary = Summary { incidents: open, ..all.clone() };
        let none: [(); 0] = [];
        let page = &all.page;
        Self([
            Answer::html(public_page::page(view, settings, now)),
            Answer::json(&summary),
            Answer::json(&serde_json::json!({ "page": page, "status": all.status })),
            Answer::json(&serde_json::json!({ "page": page, "components": all.components })),
            Answer::json(&serde_json::json!({ "page": page, "incidents": all.incidents })),
            Answer::json(&serde_json::json!({ "page": page, "incidents": summary.incidents })),
            Answer::json(&serde_json::json!({ "page": page, "scheduled_maintenances": none })),
            Answer::json(&serde_json::json!({ "page": page, "scheduled_maintenances": none })),
            Answer::json(&serde_json::json!({ "page": page, "scheduled_maintenances": none })),
        ])
    }
}

impl Answer {
    fn html(text: String) -> Self {
        // The style stands in the page, so that one request is enough; its hash allows it.
        let style = base64::engine::general_purpose::STANDARD.encode(Sha256::digest(STATUS_CSS.as_bytes()));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{style}'; img-src data:; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'"
        );
        let mut answer = Self::new(text.into_bytes(), "text/html; charset=utf-8");
        let policy = HeaderValue::try_from(policy).expect("made of visible ASCII");
        answer.headers.insert(header::CONTENT_SECURITY_POLICY, policy);
        answer.headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        answer
    }

    fn json(value: &impl Serialize) -> Self {
        let text = serde_json::to_vec(value).expect("public shapes have text keys only");
        let mut answer = Self::new(text, "application/json; charset=utf-8");
        answer.headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        answer
    }

    fn new(body: Vec<u8>, kind: &'static str) -> Self {
        let hash = StableHasher::new("etag").text(&String::from_utf8_lossy(&body)).finish();
        let tag = HeaderValue::try_from(format!("\"{hash:016x}\"")).expect("made of visible ASCII");
        let headers = HeaderMap::from_iter([
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CACHE_CONTROL, HeaderValue::from_static(CACHE)),
            (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY")),
            (header::ETAG, tag),
        ]);
        Self { body: Bytes::from(body), headers }
    }
}
