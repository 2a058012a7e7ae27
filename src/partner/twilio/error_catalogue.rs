//! The partner's error codes: what they are called, what kind of trouble they are, and what the
//! SDK makes of them before an application sees them. Sources are named in `docs/twilio.md`.

use std::borrow::Cow;

use crate::model::{DeviceError, ErrorClass};

use super::SdkProfile;
use ErrorClass::{Client, Media, Permission, Signalling, Token};
use Shown::{As, Folded, Same};

/// What stands for the code where 1.x raises an error that has none (its `code` is `undefined`).
pub const CODE_MISSING: u32 = 0;

/// The SDK's own errors.
pub mod code {
    /// 2.x: what the wire's 31204 is shown as.
    pub const ACCESS_TOKEN_INVALID: u32 = 20101;
    /// 2.x: what the wire's 31205 is shown as.
    pub const ACCESS_TOKEN_EXPIRED: u32 = 20104;
    /// 2.x: what the wire's 31201 is shown as.
    pub const AUTHENTICATION_FAILED: u32 = 20151;
    /// A socket failed; also the fallback for anything unknown.
    pub const UNKNOWN: u32 = 31000;
    /// A socket ended with 1006 or 1015.
    pub const CONNECTION: u32 = 31005;
    /// On the wire: no token in the message.
    pub const TOKEN_MISSING: u32 = 31102;
    /// On the wire: not authorised.
    pub const AUTHORIZATION: u32 = 31201;
    /// On the wire: signature, or validity at first sight.
    pub const SIGNATURE: u32 = 31202;
    /// On the wire: no such account.
    pub const NO_VALID_ACCOUNT: u32 = 31203;
    /// On the wire: the JWT cannot be parsed or has no valid content.
    pub const INVALID_JWT: u32 = 31204;
    /// On the wire: expired while in use.
    pub const JWT_EXPIRED: u32 = 31205;
    /// On the wire: too many requests.
    pub const RATE_EXCEEDED: u32 = 31206;
    /// On the wire: the token lives longer than allowed.
    pub const EXPIRATION_TOO_LONG: u32 = 31207;
    /// The far side's session description cannot be used.
    pub const REMOTE_DESCRIPTION: u32 = 53402;
    /// No path for media, or it was lost.
    pub const MEDIA_CONNECTION: u32 = 53405;
    /// An invite without call or session description.
    pub const BAD_REQUEST: u32 = 31400;
    /// HTTP's 429 as a signalling code.
    pub const TOO_MANY_REQUESTS_WIRE: u32 = 31429;
    /// HTTP's 429 as an API code.
    pub const TOO_MANY_REQUESTS_API: u32 = 20429;
    /// What 2.x folds everything into that it has no error for.
    pub const SIGNALING_CONNECTION: u32 = 53000;
}

/// How 2.x shows a code of an `error` frame to the application.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shown {
    /// With the same code.
    Same,
    /// Folded into 53000: it has no error class for the code, or only with the option
    /// `enableImprovedSignalingErrorPrecision`, which is off by default.
    Folded,
    /// As another code.
    As(u32),
}

/// Code, name, class, and how 2.x shows it. Sorted by code.
const CATALOGUE: &[(u32, &str, ErrorClass, Shown)] = &[
    (13214, "InvalidCallerIdError", Client, Folded),
    (13224, "InvalidPhoneNumberError", Client, Folded),
    (20101, "AccessTokenInvalid", Token, Same),
    (20102, "AccessTokenHeaderInvalid", Token, Folded),
    (20103, "AccessTokenIssuerInvalid", Token, Folded),
    (20104, "AccessTokenExpired", Token, Same),
    (20105, "AccessTokenNotYetValid", Token, Folded),
    (20106, "AccessTokenGrantsInvalid", Token, Folded),
    (20107, "AccessTokenSignatureInvalid", Token, Folded),
    (20151, "AuthenticationFailed", Token, Same),
    (20157, "ExpirationTimeExceedsMaxTimeAllowed", Token, Folded),
    (20403, "Forbidden", Token, Folded),
    (20429, "TooManyRequests", Signalling, Folded),
    (21218, "InvalidApplicationSid", Client, Folded),
    (31000, "UnknownError", Signalling, Same),
    (31001, "ApplicationNotFoundError", Signalling, Folded),
    (31002, "ConnectionDeclinedError", Signalling, Folded),
    (31003, "ConnectionTimeoutError", Signalling, Folded),
    (31005, "ConnectionError", Signalling, Same),
    (31008, "CallCancelledError", Client, Same),
    (31009, "TransportError", Signalling, Same),
    (31100, "MalformedRequestError", Signalling, Same),
    (31101, "MissingParameterArrayError", Signalling, Folded),
    (31102, "AuthorizationTokenMissingError", Token, Folded),
    (31103, "MaxParameterLengthExceededError", Signalling, Folded),
    (31104, "InvalidBridgeTokenError", Signalling, Folded),
    (31105, "InvalidClientNameError", Client, Folded),
    (31107, "ReconnectParameterInvalidError", Signalling, Folded),
    (31201, "AuthorizationError", Token, As(code::AUTHENTICATION_FAILED)),
    (31202, "AccessTokenSignatureValidationFailed", Token, Folded),
    (31203, "NoValidAccountError", Token, Folded),
    (31204, "InvalidJWTTokenError", Token, As(code::ACCESS_TOKEN_INVALID)),
    (31205, "JWTTokenExpiredError", Token, As(code::ACCESS_TOKEN_EXPIRED)),
    (31206, "RateExceededError", Signalling, Same),
    (31207, "JWTTokenExpirationTooLongError", Token, Folded),
    (31208, "MicrophoneDenied", Permission, Folded),
    (31209, "ReconnectAttemptError", Signalling, Same),
    (31210, "CallMessageEventTypeInvalidError", Signalling, Same),
    (31211, "CallMessageUnexpectedStateError", Signalling, Folded),
    (31212, "PayloadSizeExceededError", Signalling, Same),
    (31301, "RegistrationError", Signalling, Folded),
    (31302, "UnsupportedCancelMessageError", Signalling, Folded),
    (31400, "BadRequest", Client, Same),
    (31401, "PermissionDeniedError", Permission, Same),
    (31402, "AcquisitionFailedError", Client, Same),
    (31403, "Forbidden", Signalling, Folded),
    (31404, "NotFound", Client, Folded),
    (31408, "RequestTimeout", Signalling, Folded),
    (31409, "Conflict", Signalling, Folded),
    (31426, "UpgradeRequired", Signalling, Folded),
    (31429, "TooManyRequests", Signalling, Folded),
    (31480, "TemporarilyUnavailable", Client, Folded),
    (31481, "CallTransactionDoesNotExist", Signalling, Folded),
    (31484, "AddressIncomplete", Signalling, Folded),
    (31486, "BusyHere", Client, Folded),
    (31487, "RequestTerminated", Signalling, Folded),
    (31500, "InternalServerError", Signalling, Folded),
    (31502, "BadGateway", Signalling, Folded),
    (31503, "ServiceUnavailable", Signalling, Folded),
    (31504, "GatewayTimeout", Signalling, Folded),
    (31530, "DNSResolutionError", Signalling, Folded),
    (31600, "BusyEverywhere", Client, Folded),
    (31603, "Decline", Client, Folded),
    (31604, "DoesNotExistAnywhere", Client, Folded),
    (31901, "PreflightTimeout", Signalling, Folded),
    (51007, "AccessTokenRejected", Token, Folded),
    (53000, "ConnectionError", Signalling, Same),
    (53001, "ConnectionDisconnected", Signalling, Same),
    (53400, "ClientLocalDescFailed", Media, Same),
    (53401, "ServerLocalDescFailed", Media, Folded),
    (53402, "ClientRemoteDescFailed", Media, Same),
    (53403, "ServerRemoteDescFailed", Media, Folded),
    (53404, "NoSupportedCodec", Media, Folded),
    (53405, "ConnectionError", Media, Same),
    (53407, "MediaDtlsTransportFailedError", Media, Folded),
];

fn entry(code: u32) -> Option<&'static (u32, &'static str, ErrorClass, Shown)> {
    CATALOGUE.binary_search_by_key(&code, |(code, ..)| *code).ok().map(|index| &CATALOGUE[index])
}

/// What the partner calls a code; `UnknownError` for one that the catalogue does not have.
pub fn name_of(code: u32) -> &'static str {
    entry(code).map_or("UnknownError", |(_, name, ..)| *name)
}

/// What kind of trouble a code is; a code that the catalogue does not have is signalling trouble.
pub fn class_of(code: u32) -> ErrorClass {
    entry(code).map_or(Signalling, |(_, _, class, _)| *class)
}

/// True if the code says "slow down".
pub const fn is_throttle(code: u32) -> bool {
    matches!(code, code::RATE_EXCEEDED | code::TOO_MANY_REQUESTS_API | code::TOO_MANY_REQUESTS_WIRE)
}

/// What the SDK's Device raises when an `error` frame with this code comes; `None` stands for a
/// frame whose error has no code that is a number.
///
/// The class is that of the code on the wire where there is one: a refused token stays a token
/// error although 2.x shows most of them as 53000.
pub fn device_error(profile: SdkProfile, wire_code: Option<u32>) -> DeviceError {
    let code = match (profile, wire_code) {
        (SdkProfile::V1, Some(wire)) => wire,
        (SdkProfile::V1, None) => CODE_MISSING,
        (SdkProfile::V2, Some(wire)) => match entry(wire).map_or(Folded, |(.., shown)| *shown) {
            Same => wire,
            Folded => code::SIGNALING_CONNECTION,
            As(code) => code,
        },
        (SdkProfile::V2, None) => code::SIGNALING_CONNECTION,
    };
    let class = class_of(wire_code.unwrap_or(code));
    DeviceError { code, name: Cow::Borrowed(name_of(code)), class, wire_code }
}

/// What the SDK's Call raises when a `hangup` frame carries an error with this code: as
/// [`device_error`], but what 2.x has no error for becomes 31005.
pub fn call_error(profile: SdkProfile, wire_code: Option<u32>) -> DeviceError {
    let code = match (profile, wire_code) {
        (SdkProfile::V1, Some(wire)) => wire,
        (SdkProfile::V1, None) => code::UNKNOWN,
        (SdkProfile::V2, Some(wire)) if entry(wire).is_some_and(|(.., shown)| *shown == Same) => wire,
        (SdkProfile::V2, _) => code::CONNECTION,
    };
    let class = class_of(wire_code.unwrap_or(code));
    DeviceError { code, name: Cow::Borrowed(name_of(code)), class, wire_code }
}

/// What the SDK's Device raises by itself, without a frame of the partner.
pub fn own_error(code: u32) -> DeviceError {
    DeviceError { code, name: Cow::Borrowed(name_of(code)), class: class_of(code), wire_code: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What SDK 2.18.5 was seen to show for these codes in a browser.
    const SAME: [u32; 20] = [
        20101, 20104, 20151, 31000, 31005, 31008, 31009, 31100, 31206, 31209, 31210, 31212, 31400, 31401, 31402, 53000,
        53001, 53400, 53402, 53405,
    ];
    const FOLDED: [u32; 36] = [
        31001, 31002, 31003, 31101, 31102, 31103, 31104, 31105, 31107, 31202, 31203, 31207, 31404, 31480, 31486, 31603,
        20107, 20157, 31106, 31208, 31211, 31301, 31403, 31408, 31429, 31481, 31484, 31487, 31500, 31503, 31530, 31600,
        31604, 51007, 53404, 99999,
    ];

    #[test]
    fn the_newer_sdk_folds_codes_as_measured() {
        let shown = |wire| device_error(SdkProfile::V2, Some(wire)).code;
        for code in SAME {
            assert_eq!(shown(code), code);
        }
        for code in FOLDED {
            assert_eq!(shown(code), 53000, "{code}");
        }
        assert_eq!([31201, 31204, 31205].map(shown), [20151, 20101, 20104]);
        assert_eq!(device_error(SdkProfile::V2, None).code, 53000);
        let same: Vec<u32> = CATALOGUE.iter().filter(|(.., shown)| *shown == Same).map(|(code, ..)| *code).collect();
        assert_eq!(same, SAME, "no others keep their code");
    }

    #[test]
    fn the_older_sdk_passes_the_partners_code_on() {
        for code in SAME.into_iter().chain(FOLDED) {
            assert_eq!(device_error(SdkProfile::V1, Some(code)).code, code);
        }
        assert_eq!(device_error(SdkProfile::V1, None).code, CODE_MISSING);
    }

    #[test]
    fn a_folded_token_error_stays_a_token_error() {
        let error = device_error(SdkProfile::V2, Some(31202));
        assert_eq!((error.code, error.class, error.wire_code), (53000, Token, Some(31202)));
        assert_eq!(error.name, "ConnectionError");
        let error = device_error(SdkProfile::V2, Some(31204));
        assert_eq!((error.name.as_ref(), error.class), ("AccessTokenInvalid", Token));
    }

    #[test]
    fn the_catalogue_is_sorted_so_that_it_can_be_searched() {
        assert!(CATALOGUE.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!([20429, 31206, 31429, 31204].map(is_throttle), [true, true, true, false]);
        assert_eq!(own_error(31005).name, "ConnectionError");
    }
}
