//! The text form of durations: OData's `Edm.Duration`, `[-]P[nD][T[nH][nM][n[.n]S]]`.

use core::fmt;

use time::SignedDuration;

use crate::error::ExpirationError;

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
    let components = unsigned.strip_prefix('P').ok_or(ExpirationError::Malformed)?;
    if components.is_empty() || components.ends_with('T') {
        return Err(ExpirationError::Malformed);
    }
    let (mut date, mut time) = components.split_once('T').unwrap_or((components, ""));
    let days = component(&mut date, 'D').unwrap_or(0);
    let hours = component(&mut time, 'H').unwrap_or(0);
    let minutes = component(&mut time, 'M').unwrap_or(0);
    let (seconds, nanoseconds) = seconds(time)?;
    if !date.is_empty() {
        return Err(ExpirationError::Malformed);
    }

    let counts =
        [(days, SECONDS_IN_DAY), (hours, SECONDS_IN_HOUR), (minutes, SECONDS_IN_MINUTE), (seconds, 1)];
    let total = counts
        .into_iter()
        .try_fold(0_u64, |total, (count, unit)| total.checked_add(count.checked_mul(unit)?))
        .and_then(|total| i64::try_from(total).ok())
        .ok_or(ExpirationError::OutOfRange)?;
    let duration = SignedDuration::new(total, nanoseconds);
    Ok(if text.starts_with('-') { -duration } else { duration })
}

/// Takes a number and its unit off the front of the text, if the text starts with them.
///
/// A number above 64 bits becomes the largest one, which is out of range in every unit.
fn component(rest: &mut &str, unit: char) -> Option<u64> {
    let (digits, after) = digits(rest)?;
    *rest = after.strip_prefix(unit)?;
    Some(digits.parse().unwrap_or(u64::MAX))
}

/// Parses the rest of the text, which is `n[.n]S` or empty.
fn seconds(rest: &str) -> Result<(u64, i32), ExpirationError> {
    if rest.is_empty() {
        return Ok((0, 0));
    }
    let number = rest.strip_suffix('S').ok_or(ExpirationError::Malformed)?;
    let (whole, after) = digits(number).ok_or(ExpirationError::Malformed)?;
    let fraction = match after.strip_prefix('.') {
        Some(fraction) if matches!(digits(fraction), Some((_, ""))) => fraction,
        None if after.is_empty() => "0",
        Some(_) | None => return Err(ExpirationError::Malformed),
    };
    let nanoseconds = fraction
        .bytes()
        .map(|digit| i32::from(digit - b'0'))
        .chain(core::iter::repeat(0))
        .take(9)
        .fold(0, |nanoseconds, digit| nanoseconds * 10 + digit);
    Ok((whole.parse().unwrap_or(u64::MAX), nanoseconds))
}

/// Splits the text after its leading digits. There must be at least one.
fn digits(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
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
