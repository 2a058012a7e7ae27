//! The text of a token: whoever holds it may call as the agent until it expires.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// The longest token that is taken from outside, in bytes. Real ones have 300 to 1,000; HTTP
/// servers refuse headers above 8 or 16 KiB, and the SDK sends the token as one.
pub const TOKEN_TEXT_MAX: usize = 16 * 1024;

/// A token's text. Never printed; its memory is overwritten when it is dropped.
#[derive(Clone)]
pub struct TokenText(SecretString);

/// Why a text cannot be a token. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenTextError {
    /// Nothing is there.
    #[error("the token is empty")]
    Empty,
    /// More than [`TOKEN_TEXT_MAX`] bytes.
    #[error("the token is longer than {TOKEN_TEXT_MAX} bytes")]
    TooLong,
    /// White space, control or non-ASCII characters, which no part of a token can hold.
    #[error("the token holds characters that no token can have")]
    Character,
}

impl TokenText {
    /// Takes a token that came from outside. White space around it is cut off; what it says is
    /// not judged, since a broken token must reach the partner as an agent's would.
    pub fn parse(text: &str) -> Result<Self, TokenTextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenTextError::Empty);
        }
        if text.len() > TOKEN_TEXT_MAX {
            return Err(TokenTextError::TooLong);
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenTextError::Character);
        }
        Ok(Self::minted(text.to_owned()))
    }

    /// Takes a token that we made.
    pub(crate) fn minted(text: String) -> Self {
        Self(SecretString::from(text))
    }

    /// The text itself. Only to be sent to the partner.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({self})")
    }
}

impl fmt::Display for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[token of {} characters]", self.expose().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_never_shows_itself() {
        let token = TokenText::parse(" eyJh.bGci.T2lK\n").expect("a token");
        assert_eq!(token.expose(), "eyJh.bGci.T2lK");
        assert_eq!(format!("{token}"), "[token of 14 characters]");
        assert_eq!(format!("{token:?}"), "TokenText([token of 14 characters])");
        assert_eq!(format!("{:#?}", Some(token)), "Some(\n    TokenText([token of 14 characters]),\n)");
    }

    #[test]
    fn what_cannot_be_a_token_is_refused() {
        for (text, why) in [
            ("", TokenTextError::Empty),
            (" \r\n", TokenTextError::Empty),
            ("a b", TokenTextError::Character),
            ("a\u{0}b", TokenTextError::Character),
            ("é.é.é", TokenTextError::Character),
        ] {
            assert_eq!(TokenText::parse(text).expect_err("refused"), why, "{text:?}");
        }
        let longest = "a".repeat(TOKEN_TEXT_MAX);
        assert!(TokenText::parse(&longest).is_ok());
        assert_eq!(TokenText::parse(&format!("{longest}a")).expect_err("refused"), TokenTextError::TooLong);
    }
}
