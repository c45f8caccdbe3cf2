//! Texts of lifetimes, against a second description of `Edm.Duration`.
//!
//! The input is a text. Its first 12 bytes are also a duration: whole seconds and nanoseconds.

#![no_main]

use libfuzzer_sys::fuzz_target;
use presence_core::{ExpirationError, PreferredExpiration, SessionExpiration, SignedDuration};

const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// The longest duration that a [`SignedDuration`] holds.
const LONGEST: i128 = i64::MAX as i128 * SECOND + (SECOND - 1);

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        check_text(text);
    }
    if let Some((seconds, rest)) = bytes.split_first_chunk()
        && let Some((nanoseconds, _)) = rest.split_first_chunk()
    {
        let nanoseconds = i32::from_le_bytes(*nanoseconds) % 1_000_000_000;
        check_duration(SignedDuration::new(i64::from_le_bytes(*seconds), nanoseconds));
    }
});

/// Compares what is accepted and what is rejected.
fn check_text(text: &str) {
    let lifetime = nanoseconds(text);
    let expected = |limits: std::ops::RangeInclusive<i128>| match lifetime {
        None => Err(ExpirationError::Malformed),
        Some(lifetime) if limits.contains(&lifetime) => Ok(lifetime),
        Some(_) => Err(ExpirationError::OutOfRange),
    };

    let session = text.parse::<SessionExpiration>();
    let read = session.map(|expiration| expiration.duration().whole_nanoseconds());
    assert_eq!(read, expected(5 * MINUTE..=4 * HOUR), "a session's lifetime of {text:?}");

    let preferred = text.parse::<PreferredExpiration>();
    let read = preferred.map(|expiration| expiration.duration().whole_nanoseconds());
    assert_eq!(read, expected(1..=LONGEST), "a preference's lifetime of {text:?}");

    let json = serde_json::to_string(text).unwrap();
    assert_eq!(serde_json::from_str(&json).ok(), session.ok());
    assert_eq!(serde_json::from_str(&json).ok(), preferred.ok());
    if let Ok(expiration) = preferred {
        check_duration(expiration.duration());
    }
}

/// Compares which durations are lifetimes, and reads the texts of those back.
fn check_duration(duration: SignedDuration) {
    let lifetime = duration.whole_nanoseconds();
    let session = SessionExpiration::new(duration);
    assert_eq!(session.is_ok(), (5 * MINUTE..=4 * HOUR).contains(&lifetime), "{duration:?}");
    let preferred = PreferredExpiration::new(duration);
    assert_eq!(preferred.is_ok(), lifetime > 0, "{duration:?}");

    if let Ok(expiration) = session {
        assert_eq!(expiration.duration(), duration);
        assert_eq!(expiration.to_string(), canonical(lifetime));
        assert_eq!(expiration.to_string().parse(), Ok(expiration));
    }
    if let Ok(expiration) = preferred {
        assert_eq!(expiration.duration(), duration);
        assert_eq!(expiration.to_string(), canonical(lifetime));
        assert_eq!(expiration.to_string().parse(), Ok(expiration));
        assert_eq!(nanoseconds(&canonical(lifetime)), Some(lifetime));
        let json = serde_json::to_string(&expiration).unwrap();
        assert_eq!(json, format!("\"{expiration}\""));
        assert_eq!(serde_json::from_str::<PreferredExpiration>(&json).unwrap(), expiration);
    }
}

/// Returns the length of a duration, `None` if the text is malformed.
fn nanoseconds(text: &str) -> Option<i128> {
    let (sign, mut rest) = match text.as_bytes() {
        [b'-', b'P', rest @ ..] => (-1, rest),
        [b'P', rest @ ..] => (1, rest),
        _ => return None,
    };
    let mut total = 0_i128;
    // The letters that may follow. Each one excludes itself and those before it.
    let mut letters = &b"DTHMS"[..];
    let mut last = b'P';
    while !rest.is_empty() {
        let whole = leading_digits(rest);
        rest = &rest[whole.len()..];
        let fraction = match rest {
            [b'.', digits @ ..] => {
                let digits = leading_digits(digits);
                rest = &rest[1 + digits.len()..];
                Some(digits)
            }
            _ => None,
        };
        last = *rest.first()?;
        rest = &rest[1..];

        let position = letters.iter().position(|letter| *letter == last)?;
        let is_after_t = !letters.contains(&b'T');
        letters = &letters[position + 1..];
        let unit = match (last, is_after_t) {
            (b'T', _) if whole.is_empty() && fraction.is_none() => continue,
            (b'D', false) => DAY,
            (b'H', true) => HOUR,
            (b'M', true) => MINUTE,
            (b'S', true) => SECOND,
            _ => return None,
        };
        if whole.is_empty() {
            return None;
        }
        total = total.saturating_add(decimal(whole).saturating_mul(unit));
        match fraction {
            None => {}
            Some(digits) if last == b'S' && !digits.is_empty() => {
                let mut nine = [b'0'; 9];
                let kept = digits.len().min(9);
                nine[..kept].copy_from_slice(&digits[..kept]);
                total = total.saturating_add(decimal(&nine));
            }
            Some(_) => return None,
        }
    }
    (last != b'P' && last != b'T').then_some(sign * total)
}

fn leading_digits(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// Returns a number, or the largest one if it is larger.
fn decimal(digits: &[u8]) -> i128 {
    let append =
        |number: i128, digit: &u8| number.saturating_mul(10).saturating_add(i128::from(digit - b'0'));
    digits.iter().fold(0, append)
}

/// Returns the one text of a lifetime that has carries, no zero components and no trailing zeros.
fn canonical(lifetime: i128) -> String {
    let component =
        |count: i128, unit| if count == 0 { String::new() } else { format!("{count}{unit}") };
    let seconds = match (lifetime % MINUTE / SECOND, lifetime % SECOND) {
        (count, 0) => component(count, 'S'),
        (count, fraction) => format!("{count}.{}S", format!("{fraction:09}").trim_end_matches('0')),
    };
    let time =
        component(lifetime % DAY / HOUR, 'H') + &component(lifetime % HOUR / MINUTE, 'M') + &seconds;
    let t = if time.is_empty() { "" } else { "T" };
    format!("P{}{t}{time}", component(lifetime / DAY, 'D'))
}
