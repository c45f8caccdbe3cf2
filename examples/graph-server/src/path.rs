//! Graph's paths: which resource a path names.
//!
//! | path | resource |
//! |---|---|
//! | `/users/{id}/presence`, `/me/presence`, `/communications/presences/{id}` | [`Presence`](Resource::Presence) |
//! | one of these, then `/setPresence`, `/clearPresence`, `/setUserPreferredPresence` or `/clearUserPreferredPresence` | [`Action`](Resource::Action) |
//! | `/communications/getPresencesByUserId` | [`Presences`](Resource::Presences) |
//! | `/communications/presences/changes` | [`Changes`](Resource::Changes) |
//! | `/$batch` | [`Batch`](Resource::Batch) |
//! | a presence, then `/setStatusMessage`, `/setManualLocation`, `/setAutomaticLocation` or `/clearLocation`; `/subscriptions` | [`Missing`](Resource::Missing) |
//!
//! These come after `/v1.0` or `/beta`. Without a version there is `/why/{id}`.
//!
//! - Names are read without regard to the case of ASCII letters, and ids exactly, both after `%` was
//!   decoded.
//! - `users('ana')` is `users/ana`, and alike `presences('ana')`. A quote in such an id is doubled.
//! - The names of actions may start with `microsoft.graph.`.
//! - The user whose id is "changes" is `presences('changes')`.

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::error::Error;

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// The presence of a user.
    Presence(User),
    /// An action on the presence of a user.
    Action(User, Action),
    /// The presences of many users.
    Presences,
    /// The stream of changes.
    Changes,
    /// Many requests in one.
    Batch,
    /// A resource of Graph that this server does not have.
    Missing,
    /// Why a user has its presence.
    Why(User),
}

/// A user in a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum User {
    /// The user of the token.
    Me,
    /// The user with this id.
    Id(String),
}

/// One of the four actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Graph's")]
pub enum Action {
    SetPresence,
    ClearPresence,
    SetUserPreferredPresence,
    ClearUserPreferredPresence,
}

impl Resource {
    /// Reads a path.
    ///
    /// # Errors
    ///
    /// 404 if it names nothing, 400 if it is not UTF-8.
    pub fn parse(path: &str) -> Result<Self, Error> {
        let segments = path.strip_prefix('/').unwrap_or(path).split('/').map(|segment| {
            let text = percent_decode_str(segment).decode_utf8();
            text.map_err(|_| Error::invalid("the path is not UTF-8"))
        });
        let segments: Vec<_> = segments.collect::<Result<_, _>>()?;
        let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
        let resource = match segments.as_slice() {
            [version, rest @ ..] if is(version, "v1.0") || is(version, "beta") => of_graph(rest),
            [why, id] if is(why, "why") => Some(Self::Why(User::Id((*id).to_owned()))),
            _ => None,
        };
        resource.ok_or_else(|| Error::of_status(StatusCode::NOT_FOUND))
    }

    /// Returns a name for the figures.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Presence(_) => "presence",
            Self::Action(_, Action::SetPresence) => "setPresence",
            Self::Action(_, Action::ClearPresence) => "clearPresence",
            Self::Action(_, Action::SetUserPreferredPresence) => "setUserPreferredPresence",
            Self::Action(_, Action::ClearUserPreferredPresence) => "clearUserPreferredPresence",
            Self::Presences => "getPresencesByUserId",
            Self::Changes => "changes",
            Self::Batch => "$batch",
            Self::Missing => "missing",
            Self::Why(_) => "why",
        }
    }

    /// Returns the methods of the resource, as the header `Allow` lists them.
    #[must_use]
    pub fn methods(&self) -> &'static str {
        match self {
            Self::Action(..) | Self::Presences | Self::Batch => "POST",
            Self::Presence(_) | Self::Changes | Self::Why(_) => "GET, HEAD",
            Self::Missing => "GET, HEAD, POST, PATCH, DELETE",
        }
    }
}

/// Reads the segments after the version.
fn of_graph(segments: &[&str]) -> Option<Resource> {
    let (first, rest) = segments.split_first()?;
    let (name, key) = split_key(first);
    match (name.to_ascii_lowercase().as_str(), key, rest) {
        ("me", None, [presence, rest @ ..]) if is(presence, "presence") => of_user(User::Me, rest),
        ("users", key, rest) => {
            let (user, rest) = user(key, rest)?;
            let [presence, rest @ ..] = rest else { return None };
            if is(presence, "presence") { of_user(user, rest) } else { None }
        }
        ("communications", None, [changes, name]) if is(changes, "presences") && is(name, "changes") => {
            Some(Resource::Changes)
        }
        ("communications", None, [first, rest @ ..]) => match split_key(first) {
            (name, key) if is(name, "presences") => {
                let (user, rest) = user(key, rest)?;
                of_user(user, rest)
            }
            (name, None) if is(without_namespace(name), "getPresencesByUserId") && rest.is_empty() => {
                Some(Resource::Presences)
            }
            _ => None,
        },
        ("$batch", None, []) => Some(Resource::Batch),
        ("subscriptions", ..) => Some(Resource::Missing),
        _ => None,
    }
}

/// Reads the segments after a presence.
fn of_user(user: User, segments: &[&str]) -> Option<Resource> {
    let action = match segments {
        [] => return Some(Resource::Presence(user)),
        [action] => without_namespace(action).to_ascii_lowercase(),
        _ => return None,
    };
    let action = match action.as_str() {
        "setpresence" => Action::SetPresence,
        "clearpresence" => Action::ClearPresence,
        "setuserpreferredpresence" => Action::SetUserPreferredPresence,
        "clearuserpreferredpresence" => Action::ClearUserPreferredPresence,
        "setstatusmessage" | "setmanuallocation" | "setautomaticlocation" | "clearlocation" => {
            return Some(Resource::Missing);
        }
        _ => return None,
    };
    Some(Resource::Action(user, action))
}

/// Returns the user that is named by a key or by the next segment, and the segments after it.
fn user<'a>(key: Option<String>, segments: &'a [&'a str]) -> Option<(User, &'a [&'a str])> {
    match key {
        Some(id) => Some((User::Id(id), segments)),
        None => segments.split_first().map(|(id, rest)| (User::Id((*id).to_owned()), rest)),
    }
}

/// Splits `users('ana')` into the name and the key. A segment of another form is a name.
fn split_key(segment: &str) -> (&str, Option<String>) {
    match segment.strip_suffix("')").and_then(|segment| segment.split_once("('")) {
        Some((name, key)) if !key.replace("''", "").contains('\'') => {
            (name, Some(key.replace("''", "'")))
        }
        _ => (segment, None),
    }
}

/// Removes `microsoft.graph.` from the start of a name.
fn without_namespace(name: &str) -> &str {
    const NAMESPACE: &str = "microsoft.graph.";
    match name.split_at_checked(NAMESPACE.len()) {
        Some((namespace, name)) if is(namespace, NAMESPACE) => name,
        _ => name,
    }
}

/// Returns whether a segment is this name.
fn is(segment: &str, name: &str) -> bool {
    segment.eq_ignore_ascii_case(name)
}
