//! Quantities as people write them: `"90s"`, `"5%"`, `"2GiB"`, `"0.2 per year"`. A number without
//! its unit is refused everywhere: nobody shall have to guess whether 90 are seconds.

use std::time::Duration;

use crate::model::Share;

const DURATION_UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
const BYTE_UNITS: [(&str, u64); 6] =
    [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000)];

/// A length of time: a whole number and `ms`, `s`, `m`, `h` or `d`.
///
/// # Errors
/// What to write instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let hint = "write a whole number and its unit: \"2500ms\", \"90s\", \"5m\", \"2h\", \"90d\"";
    whole_with_unit(text, &DURATION_UNITS).map(Duration::from_millis).ok_or_else(|| match text.trim().parse::<u64>() {
        Ok(number) => format!("its unit is missing; write \"{number}s\" for seconds or \"{number}m\" for minutes"),
        Err(_) => hint.to_owned(),
    })
}

/// A size in bytes: a whole number and `kB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`.
///
/// # Errors
/// What to write instead.
pub fn bytes(text: &str) -> Result<u64, String> {
    whole_with_unit(text, &BYTE_UNITS)
        .ok_or_else(|| "write a whole number and its unit: \"500MB\", \"2GiB\"".to_owned())
}

fn whole_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// A share: a number from 0 to 100 and `%`.
///
/// # Errors
/// What to write instead.
pub fn share(text: &str) -> Result<Share, String> {
    let hint = "write a percentage from \"0%\" to \"100%\"";
    let number = text.trim().strip_suffix('%').ok_or_else(|| match text.trim().parse::<f64>() {
        Ok(_) => format!("the % is missing; {hint}"),
        Err(_) => hint.to_owned(),
    })?;
    plain_number(number.trim_end()).and_then(|percent| Share::new(percent / 100.0)).ok_or_else(|| hint.to_owned())
}

/// How often something may happen: a number and `per year`.
///
/// # Errors
/// What to write instead.
pub fn per_year(text: &str) -> Result<f64, String> {
    text.trim()
        .strip_suffix("per year")
        .and_then(|number| plain_number(number.trim_end()))
        .ok_or_else(|| "write a number per year: \"0.2 per year\"".to_owned())
}

/// Digits with at most one point: no signs, exponents, `inf` or `nan`.
fn plain_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse::<f64>().ok()).flatten().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        for (text, millis) in [("90s", 90_000), ("5m", 300_000), ("2500ms", 2500), ("2 h", 7_200_000), ("0s", 0)] {
            assert_eq!(duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["90", "", "s", "1.5s", "-1s", "5 min", "99999999999999999999s", "99999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(duration("90").is_err_and(|hint| hint.contains("\"90s\"")));
    }

    #[test]
    fn shares_have_their_sign() {
        assert_eq!(share("5%"), Ok(Share::clamped(0.05)));
        assert_eq!(share("0.5 %"), Ok(Share::clamped(0.005)));
        assert_eq!(share("100%"), Ok(Share::ONE));
        for text in ["5", "101%", "-1%", "nan%", "inf%", "1e1%", "%", ""] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_and_rates_have_units_too() {
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("500 MB"), Ok(500_000_000));
        assert!(bytes("500").is_err());
        assert_eq!(per_year("0.2 per year"), Ok(0.2));
        assert!(per_year("0.2").is_err());
        assert!(per_year("inf per year").is_err());
    }
}
