//! Both sides as a client sees them.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode, header};
use axum::response::Response;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};
use tower::ServiceExt as _;

use crate::engine::{Command, Input, View};
use crate::io::store::{AttemptQuery, RecordedAttempt, StoreError};
use crate::model::AttemptId;

use super::operator::ROUTES;
use super::public::PATHS;
use super::{Access, History, Metrics, Operator, PublicSite, ReloadRequest, sample};

struct Remembered;

impl History for Remembered {
    fn attempts(&self, wanted: &AttemptQuery) -> Result<Vec<RecordedAttempt>, StoreError> {
        let fits = |attempt: &RecordedAttempt| {
            wanted.outcome.is_none_or(|outcome| outcome.as_str() == attempt.report.outcome.as_str())
                && wanted.pod.as_ref().is_none_or(|pod| *pod == attempt.pod)
        };
        Ok(sample::attempts().into_iter().filter(fits).take(wanted.limit as usize).collect())
    }

    fn attempt(&self, id: AttemptId) -> Result<Option<RecordedAttempt>, StoreError> {
        Ok(sample::attempts().into_iter().find(|attempt| attempt.report.id == id))
    }
}

/// The operator side over a state, with the ends of its channels.
struct Bench {
    router: Router,
    engine: mpsc::Receiver<Input>,
    reload: mpsc::Receiver<ReloadRequest>,
    views: watch::Sender<Arc<View>>,
}

fn bench(view: View, token: Option<&str>) -> Bench {
    let (views, view) = watch::channel(sample::published(view));
    let (engine, engine_end) = mpsc::channel(1);
    let (reload, reload_end) = mpsc::channel(1);
    let token = token.map(|token| SecretString::from(token.to_owned()));
    let listen = "127.0.0.1:9870".parse().expect("an address");
    let operator = Operator {
        view,
        history: Arc::new(Remembered),
        metrics: Arc::new(Metrics::new(sample::NOW)),
        engine,
        reload,
        access: Access::new(listen, token.as_ref(), "https://ringcheck.example.com").expect("on loopback"),
        now: sample::now,
    };
    Bench { router: operator.router(), engine: engine_end, reload: reload_end, views }
}

async fn ask(router: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let mut request = Request::builder().method(method).uri(path).header("host", "localhost:9870");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Body::from(body.to_owned())).expect("a request");
    router.clone().oneshot(request).await.expect("routers always answer")
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 8 << 20).await.expect("a whole body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

async fn get(router: &Router, path: &str) -> String {
    let response = ask(router, Method::GET, path, &[], "").await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

async fn json(router: &Router, path: &str) -> serde_json::Value {
    serde_json::from_str(&get(router, path).await).expect("JSON")
}

fn public(view: View) -> (Router, watch::Sender<Arc<View>>) {
    let (views, view) = watch::channel(sample::published(view));
    let (site, _keep_true) = PublicSite::new(view, sample::settings(), sample::now);
    (site.router(), views)
}

#[tokio::test]
async fn every_route_is_documented_and_answers() {
    let documented = include_str!("../../../docs/api.md");
    let bench = bench(sample::incident(), None);
    let kept = sample::attempt().report.id.to_string();
    for route in ROUTES {
        let (method, path) = route.split_once(' ').expect("method and path");
        assert!(documented.contains(&format!("`{route}`")), "docs/api.md does not tell of {route}");
        if method != "GET" || path == "/api/v1/events" || path == "/assets/{file}" {
            continue;
        }
        let path = path.replace("{name}", "pod-14").replace("{number}", "42").replace("{id}", &kept);
        let answer = ask(&bench.router, Method::GET, &path, &[], "").await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let head = ask(&bench.router, Method::HEAD, &path, &[], "").await;
        assert_eq!((head.status(), text(head).await), (StatusCode::OK, String::new()), "{path}");
    }
    let told = documented.lines().filter_map(|line| line.trim_start_matches("### ").strip_prefix('`')).count();
    for path in PATHS {
        assert!(documented.contains(&format!("`GET {path}`")), "docs/api.md does not tell of {path}");
    }
    assert_eq!(told, ROUTES.len() + PATHS.len(), "docs/api.md tells of routes that are not there");
}

#[tokio::test]
async fn the_api_answers_in_its_documented_shapes() {
    let bench = bench(sample::incident(), None);
    let incident = json(&bench.router, "/api/v1/incidents/42").await;
    insta::assert_json_snapshot!("incident", incident);
    let attempt = format!("/api/v1/attempts/{}", sample::attempt().report.id);
    insta::assert_json_snapshot!("attempt", json(&bench.router, &attempt).await);
    let mut pod = json(&bench.router, "/api/v1/pods/pod-14").await;
    assert_eq!(pod["outcomes"].as_array().map(Vec::len), Some(60));
    pod["outcomes"].as_array_mut().expect("a list").truncate(1);
    insta::assert_json_snapshot!("pod", pod);
    insta::assert_json_snapshot!("alerts", json(&bench.router, "/api/v1/alerts").await);
    insta::assert_json_snapshot!("notices", json(&bench.router, "/api/v1/notices").await);
}

#[tokio::test]
async fn observations_are_bounded_and_page_on() {
    let bench = bench(sample::incident(), None);
    let page = json(&bench.router, "/api/v1/observations?pod=pod-14&limit=3").await;
    assert_eq!(page["items"].as_array().map(Vec::len), Some(3));
    assert_eq!(page["next_before"], page["items"][2]["started"]);
    let all = json(&bench.router, "/api/v1/observations?outcome=failed").await;
    assert_eq!((all["items"].as_array().map(Vec::len), all.get("next_before")), (Some(1), None));
    for bad in ["limit=0", "limit=501", "limit=x", "outcome=broken", "pod=POD", "before=yesterday", "pods=a"] {
        let answer = ask(&bench.router, Method::GET, &format!("/api/v1/observations?{bad}"), &[], "").await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{bad}");
        assert!(text(answer).await.contains("\"error\""), "{bad}");
    }
}

#[tokio::test]
async fn pausing_reaches_the_engine_or_says_why_not() {
    let mut bench = bench(sample::incident(), None);
    let as_json = [("content-type", "application/json")];
    let answer = ask(&bench.router, Method::POST, "/api/v1/pause", &as_json, r#"{"pod":"pod-14","for":"2h"}"#).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(text(answer).await, r#"{"pod":"pod-14","until":"2024-09-11T01:00:12.000Z"}"#);
    let Some(Input::Command(Command::Pause { pod: Some(pod), .. })) = bench.engine.recv().await else {
        panic!("no pause arrived")
    };
    assert_eq!(pod.as_str(), "pod-14");

    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let answer = ask(&bench.router, Method::POST, "/api/v1/resume", &form, "pod=pod-14").await;
    assert_eq!(
        (answer.status(), answer.headers()[header::LOCATION].as_bytes()),
        (StatusCode::SEE_OTHER, &b"/pods/pod-14"[..])
    );
    // Nobody has taken the resume yet: the queue, one long here, is full.
    let answer = ask(&bench.router, Method::POST, "/api/v1/resume", &as_json, "{}").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);

    let long = format!(r#"{{"pod":"{}"}}"#, "a".repeat(20_000));
    for (kind, body, status) in [
        ("application/json", r#"{"for":"9d"}"#, StatusCode::BAD_REQUEST),
        ("application/json", r#"{"for":"2h","pods":"x"}"#, StatusCode::UNPROCESSABLE_ENTITY),
        ("application/json", "{", StatusCode::BAD_REQUEST),
        ("application/json", r#"{"pod":"pod-99","for":"2h"}"#, StatusCode::NOT_FOUND),
        ("application/json", &long, StatusCode::PAYLOAD_TOO_LARGE),
        ("text/plain", r#"{"for":"2h"}"#, StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let answer = ask(&bench.router, Method::POST, "/api/v1/pause", &[("content-type", kind)], body).await;
        assert_eq!(answer.status(), status, "{kind} {body:.40}");
    }
    let foreign = [("content-type", "application/json"), ("origin", "https://evil.example")];
    let answer = ask(&bench.router, Method::POST, "/api/v1/pause", &foreign, r#"{"for":"2h"}"#).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_to_avoid_is_told_once_it_is_approved() {
    let as_json = [("content-type", "application/json")];
    let approve = |incident| format!(r#"{{"incident":{incident}}}"#);
    let mut bench = bench(sample::avoidable(None), None);
    insta::assert_json_snapshot!("avoid_waiting", json(&bench.router, "/api/v1/avoid").await);
    let answer = ask(&bench.router, Method::POST, "/api/v1/avoid/approve", &as_json, &approve(42)).await;
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    assert_eq!(text(answer).await, r#"{"incident":42,"until":"2024-09-11T01:00:12.000Z"}"#);
    let Some(Input::Command(Command::ApproveAvoid { incident, until })) = bench.engine.recv().await else {
        panic!("no approval arrived")
    };
    assert_eq!((incident.0, until), (42, sample::NOW.plus(std::time::Duration::from_hours(2))));
    let answer = ask(&bench.router, Method::POST, "/api/v1/avoid/approve", &as_json, &approve(43)).await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);

    bench.views.send_replace(sample::published(sample::avoidable(Some(until))));
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "same-origin")];
    let answer = ask(&bench.router, Method::POST, "/api/v1/avoid/approve", &form, "incident=42").await;
    let back = &answer.headers()[header::LOCATION];
    assert_eq!((answer.status(), back.as_bytes()), (StatusCode::SEE_OTHER, &b"/incidents/42"[..]));
    assert!(matches!(bench.engine.recv().await, Some(Input::Command(Command::ApproveAvoid { .. }))));
    let foreign = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let answer = ask(&bench.router, Method::POST, "/api/v1/avoid/approve", &foreign, "incident=42").await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    let told = json(&bench.router, "/api/v1/avoid").await;
    assert_eq!((&told["avoid"][0]["expires"], &told["waiting"]), (&until.to_rfc3339().into(), &serde_json::json!([])));
    let incident = json(&bench.router, "/api/v1/incidents/42").await;
    assert_eq!(incident["diagnosis"]["avoid"]["approved"], true);
    // An approval that is over is none.
    bench.views.send_replace(sample::published(sample::avoidable(Some(sample::NOW))));
    let told = json(&bench.router, "/api/v1/avoid").await;
    assert_eq!((&told["avoid"], &told["waiting"][0]["approved"]), (&serde_json::json!([]), &false.into()));

    bench.views.send_replace(sample::published(sample::incident()));
    let answer = ask(&bench.router, Method::POST, "/api/v1/avoid/approve", &as_json, &approve(42)).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
}

#[tokio::test]
async fn an_incidents_page_lets_a_person_approve() {
    let page = |view| async move {
        let bench = bench(view, None);
        text(ask(&bench.router, Method::GET, "/incidents/42", &[], "").await).await
    };
    let waiting = page(sample::avoidable(None)).await;
    for said in ["somebody must approve it", "name=\"incident\" value=\"42\"", "for 2 h", "6.2 % of the agents"] {
        assert!(waiting.contains(said), "{said} in {waiting}");
    }
    let approved = page(sample::avoidable(Some(sample::NOW.plus(std::time::Duration::from_hours(1))))).await;
    assert!(approved.contains("Approved: token services may avoid"), "{approved}");
    assert!(!page(sample::incident()).await.contains("approve-avoid"), "nothing is verified");
}

#[tokio::test]
async fn a_reload_tells_every_mistake() {
    let Bench { router, mut reload, .. } = bench(sample::quiet(), None);
    let node = async {
        for result in
            [Ok(()), Err("config/pods/pod-18.toml:3:1: unknown key `egdes`; did you mean `edges`?".to_owned())]
        {
            let request = reload.recv().await.expect("a request");
            request.reply.send(result).expect("somebody waits");
        }
    };
    let client = async {
        let good = ask(&router, Method::POST, "/-/reload", &[], "").await;
        assert_eq!(good.status(), StatusCode::OK);
        let bad = ask(&router, Method::POST, "/-/reload", &[], "").await;
        assert_eq!(bad.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(text(bad).await.contains("did you mean `edges`?"));
        assert_eq!(ask(&router, Method::GET, "/-/reload", &[], "").await.status(), StatusCode::METHOD_NOT_ALLOWED);
    };
    tokio::join!(node, client);
}

#[tokio::test]
async fn health_is_open_and_the_rest_is_not() {
    let bench = bench(View::default(), Some("0123456789abcdef0123"));
    for (path, status) in [
        ("/-/healthy", StatusCode::OK),
        ("/-/ready", StatusCode::SERVICE_UNAVAILABLE),
        ("/", StatusCode::UNAUTHORIZED),
        ("/metrics", StatusCode::UNAUTHORIZED),
        ("/api/v1/pods", StatusCode::UNAUTHORIZED),
        ("/nowhere", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(ask(&bench.router, Method::GET, path, &[], "").await.status(), status, "{path}");
    }
    let answer = ask(&bench.router, Method::GET, "/", &[("authorization", "Bearer 0123456789abcdef0123")], "").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(answer.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").contains("script-src 'self'"));
    bench.views.send_replace(sample::published(sample::quiet()));
    assert_eq!(ask(&bench.router, Method::GET, "/-/ready", &[], "").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn live_updates_begin_with_the_present_state_and_are_bounded() {
    use futures_util::StreamExt as _;
    let bench = bench(sample::incident(), None);
    let answer = ask(&bench.router, Method::GET, "/api/v1/events", &[], "").await;
    let mut events = answer.into_body().into_data_stream();
    let first = events.next().await.expect("an event").expect("bytes");
    let first = String::from_utf8(first.to_vec()).expect("text");
    assert!(first.starts_with("event: view\ndata: {\"at\":\"2024-09-10T23:00:12.000Z\""), "{first}");
    let mut open = vec![events];
    for _ in 1..super::events::STREAMS_MAX {
        let answer = ask(&bench.router, Method::GET, "/api/v1/events", &[], "").await;
        open.push(answer.into_body().into_data_stream());
    }
    let answer = ask(&bench.router, Method::GET, "/api/v1/events", &[], "").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn what_others_wrote_stays_text() {
    let bench = bench(sample::hostile(), None);
    let (site, _views) = public(sample::hostile());
    for page in [
        get(&bench.router, "/").await,
        get(&bench.router, "/incidents/42").await,
        get(&bench.router, "/pods/pod-14").await,
        get(&site, "/").await,
    ] {
        for escape in ["<script>", "<img", "href=\"javascript:"] {
            assert!(!page.contains(escape), "{escape} in {page}");
        }
    }
    let missing = ask(&bench.router, Method::GET, "/pods/%3Cscript%3E", &[], "").await;
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    assert!(!text(missing).await.contains("<script>"));
}

#[tokio::test]
async fn the_public_sees_statuspages_shape_and_no_internal_name() {
    let (site, _views) = public(sample::incident());
    let summary = json(&site, "/api/v2/summary.json").await;
    insta::assert_json_snapshot!("summary", summary);
    for path in PATHS {
        let page = get(&site, path).await;
        for internal in ["pod-14", "pod-18", "eu-west", "31204", "20101", "#42", "ashburn", "wilio", "\"42\""] {
            assert!(!page.contains(internal), "{internal} in {path}");
        }
    }
    let all = json(&site, "/api/v2/incidents.json").await;
    let open = json(&site, "/api/v2/incidents/unresolved.json").await;
    let count = |answer: &serde_json::Value| answer["incidents"].as_array().map(Vec::len);
    assert_eq!((count(&all), count(&open)), (Some(2), Some(1)));
}

#[tokio::test]
async fn the_public_side_has_nothing_but_its_pages() {
    let (site, _views) = public(sample::quiet());
    for path in ["/metrics", "/api/v1/pods", "/-/healthy", "/-/reload", "/../etc/passwd", "/api/v2/"] {
        assert_eq!(ask(&site, Method::GET, path, &[], "").await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask(&site, Method::POST, "/", &[], "").await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn caches_and_other_sites_may_use_the_public_side() {
    let (site, _views) = public(sample::quiet());
    let first = ask(&site, Method::GET, "/api/v2/status.json", &[], "").await;
    assert_eq!(first.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert!(first.headers()[header::CACHE_CONTROL].to_str().expect("text").contains("max-age=15"));
    let tag = first.headers()[header::ETAG].to_str().expect("text").to_owned();
    let again = ask(&site, Method::GET, "/api/v2/status.json", &[("if-none-match", &tag)], "").await;
    assert_eq!((again.status(), text(again).await), (StatusCode::NOT_MODIFIED, String::new()));
    let other = ask(&site, Method::GET, "/", &[("if-none-match", &tag)], "").await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_nobody_looks_at_is_not_green() {
    let (site, _views) = public(sample::paused());
    let page = get(&site, "/").await;
    assert!(page.contains("Not checked at the moment") && !page.contains("Operational"), "{page}");
    let summary = json(&site, "/api/v2/summary.json").await;
    assert_eq!(summary["status"]["description"], "Not Currently Checked");
    assert_eq!(summary["components"][0]["looked_at"], false);
    // A state that is too old is no state.
    let mut old = sample::quiet();
    old.at = sample::ago(3600);
    let (site, _views) = public(old);
    assert!(get(&site, "/").await.contains("Not checked at the moment"));
    let (site, _views) = public(View::default());
    assert!(get(&site, "/").await.contains("Not checked"));
}

#[tokio::test]
async fn the_public_pages_follow_the_state() {
    let (views, view) = watch::channel(sample::published(sample::quiet()));
    let (site, keep_true) = PublicSite::new(view, sample::settings(), sample::now);
    let router = site.router();
    assert!(get(&router, "/").await.contains("All calls are working"));
    views.send_replace(sample::published(sample::incident()));
    let keeper = tokio::spawn(keep_true);
    tokio::task::yield_now().await; // one thread: the keeper runs until it waits
    assert!(get(&router, "/").await.contains("Some calls are not working"));
    keeper.abort();
}

/// Pages as files, to be looked at: `target/pages/*.html` with the style sheets beside them.
#[tokio::test]
async fn pages_can_be_looked_at() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("target/pages");
    std::fs::create_dir_all(&folder).expect("a folder");
    let write = |name: &str, page: String| {
        let page = page.replace(&super::assets::ADDRESSES.style, "../../templates/assets/dashboard.css");
        std::fs::write(folder.join(format!("{name}.html")), page).expect("written");
    };
    for (name, view) in [
        ("quiet", sample::quiet()),
        ("incident", sample::incident()),
        ("paused", sample::paused()),
        ("fleet", sample::fleet()),
    ] {
        write(&format!("status-{name}"), get(&public(view.clone()).0, "/").await);
        write(&format!("dashboard-{name}"), get(&bench(view, None).router, "/").await);
    }
    let router = bench(sample::incident(), None).router;
    write("incident", get(&router, "/incidents/42").await);
    write("pod", get(&router, "/pods/pod-14").await);
    write("attempt", get(&router, &format!("/attempts/{}", sample::attempt().report.id)).await);
}
