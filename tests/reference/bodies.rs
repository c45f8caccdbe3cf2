//! A second reader of a body of `setPresence`, from the text of the rules alone.

use std::collections::BTreeSet;

use serde_json::Value;

/// S4: lower case, as all words here.
const CLAIMS: [(&str, &str); 5] = [
    ("available", "available"),
    ("busy", "inacall"),
    ("busy", "inaconferencecall"),
    ("donotdisturb", "presenting"),
    ("away", "away"),
];

/// A body that breaks no rule.
#[derive(Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) session_id: String,
    /// In lower case.
    pub(crate) activity: String,
    pub(crate) minutes: i64,
}

/// Reads the fields of a body, or returns the fields that break a rule.
///
/// W1: names and words are compared without regard to the case of ASCII letters. W2: a field that comes
/// twice is wrong, whatever it holds.
pub(crate) fn read(fields: &[(String, Value)]) -> Result<Expected, BTreeSet<&'static str>> {
    let mut wrong = BTreeSet::new();
    let mut text = |field: &'static str, is_optional: bool| {
        let values: Vec<_> = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(field))
            .map(|(_, value)| value)
            .collect();
        match values.as_slice() {
            [Value::String(text)] => Some(text.clone()),
            [] | [Value::Null] if is_optional => None,
            _ => {
                wrong.insert(field);
                None
            }
        }
    };
    let session_id = text("SessionId", false);
    let availability = text("Availability", false).map(|word| word.to_ascii_lowercase());
    let activity = text("Activity", false).map(|word| word.to_ascii_lowercase());
    let lifetime = text("ExpirationDuration", true);
    let minutes = match lifetime.as_deref() {
        None | Some("PT5M") => 5,
        Some("PT1H") => 60,
        Some(_) => {
            wrong.insert("ExpirationDuration");
            0
        }
    };
    if let (Some(availability), Some(activity)) = (&availability, &activity)
        && !CLAIMS.contains(&(availability, activity))
    {
        wrong.extend(["Availability", "Activity"]);
    }
    match (session_id, activity) {
        (Some(session_id), Some(activity)) if wrong.is_empty() => {
            Ok(Expected { session_id, activity, minutes })
        }
        _ => Err(wrong),
    }
}
