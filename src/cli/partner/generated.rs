//! Pods that are made up for a simulated partner: accounts and keys that nobody else knows, and
//! configuration files with which ringcheck can watch them.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};

use crate::model::{EdgeName, LocationName, PodName};
use crate::partner::twilio::AccountKeys;
use crate::partner_server::{PodSeen, PodSettings};
use crate::token::OwnNames;

use super::serve::{Rings, port_of, written};

/// The location of the node whose clients the numbers ring.
const LOCATION: &str = "here";
/// The number that calls come from.
const CALLER: &str = "+15005550006";
/// The test application of each pod: the simulated partner takes any.
const APPLICATION_SID: &str = "AP00000000000000000000000000000001";
/// The one that rings a client.
const FAR_APPLICATION_SID: &str = "AP00000000000000000000000000000002";

/// Pods with new keys, and a phone number and an application of each that ring clients of a node that is
/// called `here`.
pub(super) fn pods_and_rings(count: u16, port: u16) -> (Vec<PodSettings>, Rings) {
    let pods = pods(count, port);
    let location = LocationName::parse(LOCATION).expect("this is a valid name");
    let rings = |(n, pod): (usize, &PodSettings)| {
        let names = OwnNames::new(&pod.name, &location);
        let application = (FAR_APPLICATION_SID.to_owned(), names.of_far_client());
        (pod.name.clone(), [(phone_number(n), names.of_phone_number()), application].into())
    };
    let rings = pods.iter().enumerate().map(rings).collect();
    (pods, rings)
}

/// The phone number of a pod: one of those that are kept free for tests.
fn phone_number(pod: usize) -> String {
    format!("+1500555{:04}", 1000 + pod)
}

/// Pods with new keys.
fn pods(count: u16, port: u16) -> Vec<PodSettings> {
    let mut random = fastrand::Rng::new();
    let mut hex = || -> String { (0..32).map(|_| char::from_digit(random.u32(..16), 16).unwrap_or('0')).collect() };
    (0..usize::from(count))
        .map(|number| PodSettings {
            name: PodName::parse(&format!("pod-{}", number + 1)).expect("this is a valid name"),
            keys: AccountKeys {
                account_sid: format!("AC{}", hex()),
                api_keys: vec![(format!("SK{}", hex()), SecretString::from(hex()))],
                auth_token: Some(SecretString::from(hex())),
            },
            edge: EdgeName::parse("ashburn").expect("this is a valid name"),
            port: port_of(port, number),
        })
        .collect()
}

/// Writes each pod's keys and configuration.
pub(super) fn write(folder: &Path, pods: &[PodSettings], seen: &[PodSeen], tls: bool) -> anyhow::Result<()> {
    let folder = &folder.canonicalize().with_context(|| format!("cannot find {}", folder.display()))?;
    fs::create_dir_all(folder.join("pods")).with_context(|| format!("cannot make {}/pods", folder.display()))?;
    for (n, pod) in pods.iter().enumerate() {
        let number = phone_number(n);
        let Some(url) = seen.iter().find(|seen| seen.name == pod.name).map(|seen| &seen.url) else { continue };
        let PodSettings { name, keys, edge, .. } = pod;
        let (key_sid, key) = keys.api_keys.first().context("a generated pod has a key")?;
        let auth_token = keys.auth_token.as_ref().context("a generated pod has an auth token")?;
        let [key_file, token_file] = ["key", "auth"].map(|what| folder.join(format!("{name}.{what}")));
        secret(&key_file, key)?;
        secret(&token_file, auth_token)?;
        let ca = if tls { format!("ca_file = {:?}\n", folder.join("ca.pem")) } else { String::new() };
        let text = format!(
            "name = \"{name}\"\npublic_name = \"{name}\"\n\n[partner]\nkind = \"twilio\"\naccount_sid = \"{}\"\n\
             edges = [\"{edge}\"]\napi_key = {{ sid = \"{key_sid}\", secret = {{ file = {key_file:?} }} }}\n\
             auth_token = {{ file = {token_file:?} }}\napplication_sid = \"{APPLICATION_SID}\"\n\
             far_application_sid = \"{FAR_APPLICATION_SID}\"\nsignalling = \"{url}\"\nrest = \"{}\"\n{ca}\n# For a node whose location is \"{LOCATION}\".\n\
             [calls]\nallowed_numbers = [\"{number}\", \"{CALLER}\"]\nown_number = \"{number}\"\ncaller = \"{CALLER}\"\n",
            keys.account_sid,
            rest_of(url)
        );
        written(&folder.join(format!("pods/{name}.toml")), &text)?;
    }
    Ok(())
}

/// The REST API is where the WebSocket is.
fn rest_of(url: &str) -> String {
    let host = url.trim_end_matches("/signal");
    host.replacen("wss://", "https://", 1).replacen("ws://", "http://", 1)
}

/// Writes a secret so that only its owner can read it.
fn secret(path: &Path, secret: &SecretString) -> anyhow::Result<()> {
    let mut options = fs::File::options();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(secret.expose_secret().as_bytes()))
        .with_context(|| format!("cannot write {}", path.display()))
}
