//! The text form of durations: OData's `Edm.Duration`, `[-]P[nD][T[nH][nM][n[.n]S]]`.

use core::{fmt, iter};

use time::SignedDuration;

use crate::error::ExpirationError;

#[cfg(feature = "serde")]
const NANOSECONDS_IN_SECOND: u128 = 1_000_000_000;
const SECONDS_IN_MINUTE: u64 = 60;
const SECONDS_IN_HOUR: u64 = 60 * SECONDS_IN_MINUTE;
const SECONDS_IN_DAY: u64 = 24 * SECONDS_IN_HOUR;

/// Parses a duration. Digits after the ninth of a fraction are dropped.
///
/// # Errors
///
/// [`ExpirationError::Malformed`] if the text is not a duration, and
/// [`ExpirationError::OutOfRange`] if it is one that overflows [`SignedDuration`].
pub(crate) fn parse(text: &str) -> Result<SignedDuration, ExpirationError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let mut rest = unsigned.strip_prefix('P').ok_or(ExpirationError::Malformed)?;
    let days = component(&mut rest, 'D');
    let (hours, minutes, seconds, nanoseconds) = match rest.strip_prefix('T') {
        Some("") => return Err(ExpirationError::Malformed),
        Some(time) => {
            rest = time;
            let (hours, minutes) = (component(&mut rest, 'H'), component(&mut rest, 'M'));
            let (seconds, nanoseconds) = seconds(rest)?;
            (hours.unwrap_or(0), minutes.unwrap_or(0), seconds, nanoseconds)
        }
        None if rest.is_empty() && days.is_some() => (0, 0, 0, 0),
        None => return Err(ExpirationError::Malformed),
    };
    let days = days.unwrap_or(0);

    let total: u128 =
        [(days, SECONDS_IN_DAY), (hours, SECONDS_IN_HOUR), (minutes, SECONDS_IN_MINUTE), (seconds, 1)]
            .into_iter()
            .map(|(count, unit)| u128::from(count) * u128::from(unit))
            .sum();
    let total = i64::try_from(total).map_err(|_| ExpirationError::OutOfRange)?;
    let duration = SignedDuration::new(total, nanoseconds.cast_signed());
    Ok(if text.starts_with('-') { -duration } else { duration })
}

/// Converts a number of nanoseconds.
///
/// # Errors
///
/// [`ExpirationError::OutOfRange`] if it overflows [`SignedDuration`].
#[cfg(feature = "serde")]
pub(crate) fn from_nanoseconds(nanoseconds: u128) -> Result<SignedDuration, ExpirationError> {
    let seconds = i64::try_from(nanoseconds / NANOSECONDS_IN_SECOND);
    let seconds = seconds.map_err(|_| ExpirationError::OutOfRange)?;
    let nanoseconds = i32::try_from(nanoseconds % NANOSECONDS_IN_SECOND);
    Ok(SignedDuration::new(seconds, nanoseconds.map_err(|_| ExpirationError::OutOfRange)?))
}

/// Takes a number and its unit off the front of the text, if the text starts with them.
fn component(rest: &mut &str, unit: char) -> Option<u64> {
    let (count, after) = number(rest)?;
    *rest = after.strip_prefix(unit)?;
    Some(count)
}

/// Parses the rest of the text, which is `n[.n]S` or empty.
fn seconds(rest: &str) -> Result<(u64, u32), ExpirationError> {
    if rest.is_empty() {
        return Ok((0, 0));
    }
    let (whole, after) = number(rest).ok_or(ExpirationError::Malformed)?;
    let (fraction, unit) = match after.strip_prefix('.') {
        Some(fraction) => digits(fraction).ok_or(ExpirationError::Malformed)?,
        None => ("", after),
    };
    if unit == "S" { Ok((whole, nanoseconds(fraction))) } else { Err(ExpirationError::Malformed) }
}

/// Parses the digits at the start of the text. A number above 64 bits becomes the largest one, which is
/// out of range in every unit.
fn number(text: &str) -> Option<(u64, &str)> {
    let (digits, after) = digits(text)?;
    let append = |number: u64, digit| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some((digits.bytes().fold(0, append), after))
}

/// Returns the nanoseconds of a fraction of a second. Digits after the ninth are dropped.
pub(crate) fn nanoseconds(digits: &str) -> u32 {
    let digits = digits.bytes().map(|digit| u32::from(digit - b'0'));
    digits.chain(iter::repeat(0)).take(9).fold(0, |nanoseconds, digit| nanoseconds * 10 + digit)
}

/// Splits the text after its leading digits. There must be at least one.
pub(crate) fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Writes a positive duration with carries, and without zero components or trailing zeros.
pub(crate) fn write(duration: SignedDuration, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let total = duration.whole_seconds().unsigned_abs();
    let nanoseconds = duration.subsec_nanoseconds().unsigned_abs();
    let (days, in_day) = (total / SECONDS_IN_DAY, total % SECONDS_IN_DAY);
    let (hours, minutes, seconds) = (
        in_day / SECONDS_IN_HOUR,
        in_day % SECONDS_IN_HOUR / SECONDS_IN_MINUTE,
        in_day % SECONDS_IN_MINUTE,
    );

    f.write_str("P")?;
    if days > 0 {
        write!(f, "{days}D")?;
    }
    if in_day > 0 || nanoseconds > 0 {
        f.write_str("T")?;
    }
    if hours > 0 {
        write!(f, "{hours}H")?;
    }
    if minutes > 0 {
        write!(f, "{minutes}M")?;
    }
    if seconds > 0 || nanoseconds > 0 {
        write!(f, "{seconds}")?;
        write_fraction(nanoseconds, f)?;
        f.write_str("S")?;
    }
    Ok(())
}

/// Writes a dot and the fraction of a second without trailing zeros. Zero writes nothing.
pub(crate) fn write_fraction(nanoseconds: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if nanoseconds == 0 {
        return Ok(());
    }
    let (mut fraction, mut digits) = (nanoseconds, 9);
    while fraction.is_multiple_of(10) {
        fraction /= 10;
        digits -= 1;
    }
    write!(f, ".{fraction:0digits$}")
}
