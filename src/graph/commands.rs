//! The bodies of Graph's actions.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{
    Deserialize, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
};
use serde::ser::{Serialize, Serializer};

use crate::command::{ClearPreferred, ClearSession, Command, SetPreferred, SetSession, Tick};
use crate::error::ExpirationError;
use crate::expiration::{PreferredExpiration, SessionExpiration};
use crate::graph::body::{Body, BodyError, Read, read_checked, read_directly};
use crate::graph::form::{Field, Id, Name, Names, Object, form};
use crate::graph::pairs::checked_pair;
use crate::serde::text::Lifetime;
use crate::vocabulary::{Activity, Availability};

form! {
    SetSessionForm<S> {
        session_id = "sessionId": S,
        availability = "availability": Availability,
        activity = "activity": Activity,
        expiration = "expirationDuration": Lifetime,
    }
}

impl<S> SetSessionForm<Id<S>> {
    fn check(&mut self) -> Result<SetSession<S>, BodyError> {
        let Id(session_id) = self.session_id.required()?;
        let claim = checked_pair(&mut self.availability, &mut self.activity)?;
        let expiration: Option<SessionExpiration> = checked_lifetime(&mut self.expiration)?;
        Ok(SetSession::new(session_id, claim).with_expiration(expiration.unwrap_or_default()))
    }
}

impl<S: Serialize> Serialize for SetSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = self.claim.presence();
        let lifetime = self.expiration.into();
        SetSessionForm::of(&self.session_id, presence.availability(), presence.activity(), lifetime)
            .serialize(serializer)
    }
}

form! {
    ClearSessionForm<S> {
        session_id = "sessionId": S,
    }
}

impl<S> ClearSessionForm<Id<S>> {
    fn check(&mut self) -> Result<ClearSession<S>, BodyError> {
        self.session_id.required().map(|Id(session_id)| ClearSession::new(session_id))
    }
}

impl<S: Serialize> Serialize for ClearSession<S> {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        ClearSessionForm::of(&self.session_id).serialize(serializer)
    }
}

form! {
    SetPreferredForm {
        availability = "availability": Availability,
        activity = "activity": Activity,
        expiration = "expirationDuration": Lifetime,
    }
}

impl SetPreferredForm {
    fn check(&mut self) -> Result<SetPreferred, BodyError> {
        let presence = checked_pair(&mut self.availability, &mut self.activity)?;
        let expiration = checked_lifetime(&mut self.expiration)?;
        let expiration = expiration.unwrap_or(PreferredExpiration::default_for(presence));
        Ok(SetPreferred::new(presence).with_expiration(expiration))
    }
}

/// Returns the lifetime, `None` if it is missing or null.
fn checked_lifetime<T>(lifetime: &mut Field<Lifetime>) -> Result<Option<T>, BodyError>
where
    T: TryFrom<Lifetime, Error = ExpirationError>,
{
    lifetime.optional()?.map(T::try_from).transpose().map_err(BodyError::new)
}

impl Serialize for SetPreferred {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let presence = self.presence.presence();
        SetPreferredForm::of(presence.availability(), presence.activity(), self.expiration.into())
            .serialize(serializer)
    }
}

form! {
    EmptyForm {}
}

macro_rules! empty_bodies {
    ($($body:ident),+) => {$(
        impl Serialize for $body {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                EmptyForm::of().serialize(serializer)
            }
        }
    )+};
}

empty_bodies!(ClearPreferred, Tick);

read_checked! {
    SetSession<S>: SetSessionForm<Id<S>>, SetSessionForm::check;
    ClearSession<S>: ClearSessionForm<Id<S>>, ClearSessionForm::check;
    SetPreferred: SetPreferredForm, SetPreferredForm::check;
    ClearPreferred: EmptyForm, |_| Ok(Self);
    Tick: EmptyForm, |_| Ok(Self);
}

/// Declares how a command is written and read: as an object with the name of an action and its body. In
/// formats without names, an action is its position.
macro_rules! actions {
    ($($position:literal = $name:literal: $command:ident($body:ty)),+ $(,)?) => {
        struct Actions;

        impl Names for Actions {
            const NAMES: &'static [&'static str] = &[$($name),+];
        }

        impl<S: Serialize> Serialize for Command<S> {
            fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
                match self {$(
                    Self::$command(body) => {
                        serializer.serialize_newtype_variant("Command", $position, $name, body)
                    }
                )+}
            }
        }

        impl<'de, S: Deserialize<'de>> Visitor<'de> for CommandVisitor<'_, S> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
                while let Some(action) = fields.next_key_seed(Name::<Actions>(PhantomData))? {
                    let (name, command) = match action {
                        $(Some($position) => {
                            let body = fields.next_value::<Body<$body>>()?;
                            ($name, body.check().map(Command::$command))
                        })+
                        _ => {
                            let IgnoredAny = fields.next_value()?;
                            continue;
                        }
                    };
                    *self.found = Some(match self.found {
                        None => command,
                        Some(_) => Err(BodyError::in_field(name, "more than one command")),
                    });
                }
                Ok(())
            }

            fn visit_enum<A: EnumAccess<'de>>(self, command: A) -> Result<(), A::Error> {
                let (action, body) = command.variant_seed(Name::<Actions>(PhantomData))?;
                *self.found = Some(match action {
                    $(Some($position) => {
                        body.newtype_variant::<Body<$body>>()?.check().map(Command::$command)
                    })+
                    _ => return Err(A::Error::custom(no_command())),
                });
                Ok(())
            }
        }
    };
}

/// Finds a command in an object.
struct CommandVisitor<'a, S> {
    found: &'a mut Option<Result<Command<S>, BodyError>>,
}

actions! {
    0 = "setPresence": SetSession(SetSession<S>),
    1 = "clearPresence": ClearSession(ClearSession<S>),
    2 = "setUserPreferredPresence": SetPreferred(SetPreferred),
    3 = "clearUserPreferredPresence": ClearPreferred(ClearPreferred),
    4 = "tick": Tick(Tick),
}

fn no_command() -> BodyError {
    BodyError::new(format_args!("no command, expected one of {}", Actions::NAMES.join(", ")))
}

impl<'de, S: Deserialize<'de>> Read<'de> for Command<S> {
    fn read<D: Deserializer<'de>>(deserializer: D) -> Result<Body<Self>, D::Error> {
        let mut found = None;
        let visitor = CommandVisitor { found: &mut found };
        let object = if deserializer.is_human_readable() {
            deserializer.deserialize_any(Object(visitor))?
        } else {
            Ok(deserializer.deserialize_enum("Command", Actions::NAMES, visitor)?)
        };
        Ok(Body(object.and_then(|()| found.unwrap_or_else(|| Err(no_command())))))
    }
}

read_directly!(Command<S>);
