//! What our tokens say. Members stand in the order in which the partner's python helper writes
//! them: order decides where characters fall in base64url, and natural tokens are the helper's.

use serde_json::Value;

use super::mint::{MintRequest, SigningKey};

/// The JSON of a token, with gaps for the two numbers that are free to vary.
pub(super) struct Claims {
    /// The header.
    pub(super) header: String,
    /// The payload up to the number of `exp`.
    pub(super) before_exp: String,
    /// What stands between `exp` and `nbf`.
    pub(super) before_nbf: &'static str,
    /// What follows the number of `nbf`.
    pub(super) after_nbf: String,
}

impl Claims {
    /// The claims of a request.
    pub(super) fn of(request: &MintRequest<'_>) -> Self {
        match request.key {
            SigningKey::ApiKey { sid, .. } => Self::access(request, sid),
            SigningKey::AuthToken { .. } => Self::capability(request),
        }
    }

    fn access(request: &MintRequest<'_>, key_sid: &str) -> Self {
        let account = request.account;
        let twr = account.region.as_ref().map_or_else(String::new, |region| format!(",\"twr\":{}", quoted(region)));
        let outgoing = request.outgoing.map_or_else(String::new, |application| {
            format!(",\"outgoing\":{{\"application_sid\":{}}}", quoted(application))
        });
        let jti = quoted(&format!("{key_sid}-{}", request.now.as_secs()));
        let identity = quoted(request.identity);
        let (iss, sub) = (quoted(key_sid), quoted(&account.account_sid));
        Self {
            header: format!(r#"{{"alg":"HS256","cty":"twilio-fpa;v=1"{twr},"typ":"JWT"}}"#),
            before_exp: format!(
                r#"{{"jti":{jti},"grants":{{"voice":{{"incoming":{{"allow":true}}{outgoing}}},"identity":{identity}}},"iss":{iss},"exp":"#
            ),
            before_nbf: r#","nbf":"#,
            after_nbf: format!(r#","sub":{sub}}}"#),
        }
    }

    fn capability(request: &MintRequest<'_>) -> Self {
        let name = form_encoded(request.identity);
        let incoming = format!("scope:client:incoming?clientName={name}");
        let scope = match request.outgoing {
            Some(application) => {
                format!("scope:client:outgoing?appSid={}&clientName={name} {incoming}", form_encoded(application))
            }
            None => incoming,
        };
        Self {
            header: r#"{"alg":"HS256","typ":"JWT"}"#.to_owned(),
            before_exp: format!(
                r#"{{"scope":{},"iss":{},"exp":"#,
                quoted(&scope),
                quoted(&request.account.account_sid)
            ),
            before_nbf: r#","nbf":"#,
            after_nbf: "}".to_owned(),
        }
    }
}

/// A JSON text.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The escaping of HTML forms, as the python helper does it: letters, digits and `_.-~` stay, a
/// space becomes `+`.
pub(super) fn form_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => encoded.push(char::from(byte)),
            b' ' => encoded.push('+'),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Undoes [`form_encoded`]; a `%` that begins no escape stays as it is, and what is not UTF-8
/// becomes replacement characters.
pub(super) fn form_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digit = |ahead: usize| bytes.get(at + ahead).and_then(|byte| char::from(*byte).to_digit(16));
        let escape = digit(1).zip(digit(2)).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match (byte, escape) {
            (b'%', Some(value)) => {
                decoded.push(value);
                at += 2;
            }
            (b'+', _) => decoded.push(b' '),
            (byte, _) => decoded.push(*byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms_are_escaped_like_the_helper_does() {
        assert_eq!(form_encoded("a b/c~d.e-f_g?h%é"), "a+b%2Fc~d.e-f_g%3Fh%25%C3%A9");
        assert_eq!(form_decoded("%zz%4"), "%zz%4");
        assert_eq!(form_decoded("%+5%"), "% 5%");
    }

    proptest! {
        #[test]
        fn escaping_can_be_undone(text in any::<String>()) {
            prop_assert_eq!(form_decoded(&form_encoded(&text)), text);
        }

        #[test]
        fn any_text_can_be_unescaped(text in "[%+0-9a-fé]{0,40}") {
            let _ = form_decoded(&text);
        }
    }
}
