//! Style sheets and the dashboard's script, embedded. Their address holds a hash of their text,
//! so that a browser may keep them for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::model::StableHasher;

const DASHBOARD_CSS: &str = include_str!("../../../templates/assets/dashboard.css");
const LIVE_JS: &str = include_str!("../../../templates/assets/live.js");
/// The public page's style; it is put into the page itself.
pub(super) const STATUS_CSS: &str = include_str!("../../../templates/assets/status.css");

/// Addresses of the dashboard's assets.
pub(super) struct Addresses {
    pub(super) style: String,
    pub(super) script: String,
}

/// Addresses of the dashboard's assets.
pub(super) static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| Addresses {
    style: format!("/assets/dashboard-{:016x}.css", StableHasher::new("asset").text(DASHBOARD_CSS).finish()),
    script: format!("/assets/live-{:016x}.js", StableHasher::new("asset").text(LIVE_JS).finish()),
});

/// One asset; only under its present name.
pub(super) async fn serve(Path(file): Path<String>) -> Response {
    let address = format!("/assets/{file}");
    let (text, kind) = if address == ADDRESSES.style {
        (DASHBOARD_CSS, "text/css; charset=utf-8")
    } else if address == ADDRESSES.script {
        (LIVE_JS, "text/javascript; charset=utf-8")
    } else {
        return (StatusCode::NOT_FOUND, "There is no such file.\n").into_response();
    };
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "max-age=31536000, immutable")], text).into_response()
}
