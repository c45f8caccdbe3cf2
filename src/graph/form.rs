//! Forms: objects as they are read, before they are checked.
//!
//! A field of a form holds what was found under its name, a value or the reason for which it is none, so
//! an object is read to its end whatever is wrong with it. Names are matched without regard to case (rule
//! W1). Unknown fields are passed over.

#![expect(
    clippy::inline_always,
    reason = "calls between these layers would cost a tenth of the time of a body"
)]

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde::ser::{Serialize, Serializer};

use crate::graph::body::BodyError;
use crate::graph::catch::{Catching, Caught, Nullable};
use crate::serde::text::{Lifetime, TextVisitor};
use crate::text::name;
use crate::vocabulary::{Activity, Availability};

/// Declares a form: its fields, with their names and the types of their values.
///
/// Formats without names, such as postcard, have all fields in this order.
macro_rules! form {
    ($form:ident $(<$value:ident>)? { $($field:ident = $name:literal: $type:ty),* $(,)? }) => {
        #[derive(serde::Serialize)]
        struct $form $(<$value>)? {
            $(#[serde(rename = $name)] $field: $crate::graph::form::Field<$type>,)*
        }

        impl $(<$value>)? $form $(<$value>)? {
            /// Creates a form to be written.
            const fn of($($field: $type),*) -> Self {
                Self { $($field: $crate::graph::form::Field::of($name, $field)),* }
            }
        }

        impl $(<$value>)? $crate::graph::form::Names for $form $(<$value>)? {
            const NAMES: &'static [&'static str] = &[$($name),*];
        }

        impl<'de $(, $value: $crate::graph::form::Value<'de>)?> $crate::graph::form::Form<'de>
            for $form $(<$value>)?
        {
            fn empty() -> Self {
                Self { $($field: $crate::graph::form::Field::empty($name)),* }
            }

            #[allow(unused_mut, unused_variables, reason = "a form may have no fields")]
            #[inline(always)]
            fn read<A>(&mut self, position: usize, fields: &mut A) -> Result<(), A::Error>
            where
                A: serde::de::MapAccess<'de>,
            {
                let mut positions = 0..;
                $(
                    if positions.next() == Some(position) {
                        return self.$field.read(fields);
                    }
                )*
                Ok(())
            }

            #[allow(unused_variables, clippy::unnecessary_wraps, reason = "a form may have no fields")]
            fn read_values<A>(&mut self, values: &mut A) -> Result<(), A::Error>
            where
                A: serde::de::SeqAccess<'de>,
            {
                $(self.$field.read_value(values)?;)*
                Ok(())
            }
        }
    };
}

pub(super) use form;

/// The names of the fields of an object, in Graph's spelling.
pub(super) trait Names {
    const NAMES: &'static [&'static str];
}

/// An object that is read field by field.
pub(super) trait Form<'de>: Names + Sized {
    fn empty() -> Self;

    /// Reads the value of a field, which is given by its position.
    fn read<A: MapAccess<'de>>(&mut self, position: usize, fields: &mut A) -> Result<(), A::Error>;

    /// Reads the values of all fields in order.
    fn read_values<A: SeqAccess<'de>>(&mut self, values: &mut A) -> Result<(), A::Error>;
}

/// Reads an object into a form. A value that is no object is an error of the body.
///
/// The form is filled in place, because to move one takes as long as to read a field.
#[inline(always)]
pub(super) fn fill<'de, F: Form<'de>, D: Deserializer<'de>>(
    form: &mut F,
    deserializer: D,
) -> Result<Result<(), BodyError>, D::Error> {
    let visitor = FormVisitor { form, format: PhantomData };
    if deserializer.is_human_readable() {
        deserializer.deserialize_any(Object(visitor))
    } else {
        deserializer.deserialize_struct("Form", F::NAMES, visitor).map(Ok)
    }
}

struct FormVisitor<'a, 'de, F> {
    form: &'a mut F,
    format: PhantomData<&'de ()>,
}

impl<'de, F: Form<'de>> Visitor<'de> for FormVisitor<'_, 'de, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    #[inline(always)]
    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(field) = fields.next_key_seed(Name::<F>(PhantomData))? {
            match field {
                Some(position) => self.form.read(position, &mut fields)?,
                None => drop(fields.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        self.form.read_values(&mut values)
    }
}

/// A field of a form.
pub(super) struct Field<T> {
    name: &'static str,
    found: Option<Result<Option<T>, BodyError>>,
}

impl<T> Field<T> {
    pub(super) const fn empty(name: &'static str) -> Self {
        Self { name, found: None }
    }

    pub(super) const fn of(name: &'static str, value: T) -> Self {
        Self { name, found: Some(Ok(Some(value))) }
    }

    /// Reads the value behind a name. If the name comes twice, none of the values counts (rule W2).
    #[inline(always)]
    pub(super) fn read<'de, A: MapAccess<'de>>(&mut self, fields: &mut A) -> Result<(), A::Error>
    where
        T: Value<'de>,
    {
        self.found = Some(if self.found.is_none() {
            let value = fields.next_value_seed(ValueSeed(PhantomData))?;
            value.map_err(|why| BodyError::in_field(self.name, why))
        } else {
            let IgnoredAny = fields.next_value()?;
            Err(self.error("field comes twice."))
        });
        Ok(())
    }

    /// Reads the value in a format without names.
    pub(super) fn read_value<'de, A: SeqAccess<'de>>(&mut self, values: &mut A) -> Result<(), A::Error>
    where
        T: Value<'de>,
    {
        self.found = values.next_element()?.map(|value| Ok(Some(value)));
        Ok(())
    }

    /// Returns the value, `None` if it is missing or null.
    pub(super) fn optional(&mut self) -> Result<Option<T>, BodyError> {
        self.found.take().unwrap_or(Ok(None))
    }

    pub(super) fn required(&mut self) -> Result<T, BodyError> {
        match self.found.take() {
            Some(Ok(Some(value))) => Ok(value),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => Err(self.error("field is required.")),
        }
    }

    #[cold]
    fn error(&self, what: &str) -> BodyError {
        BodyError::in_field(self.name, format_args!("The {} {what}", Pascal(self.name)))
    }
}

impl<T: Serialize> Serialize for Field<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.found {
            Some(Ok(Some(value))) => value.serialize(serializer),
            Some(Ok(None) | Err(_)) | None => serializer.serialize_none(),
        }
    }
}

/// What a field of a form holds.
pub(super) trait Value<'de>: Deserialize<'de> {
    /// Reads a value, `None` if it is null, or what its type says.
    #[inline(always)]
    fn read<D>(deserializer: D) -> Result<Result<Option<Self>, BodyError>, D::Error>
    where
        D: Deserializer<'de>,
    {
        deserializer.deserialize_option(Nullable(PhantomData))
    }
}

struct ValueSeed<T>(PhantomData<T>);

impl<'de, T: Value<'de>> DeserializeSeed<'de> for ValueSeed<T> {
    type Value = Result<Option<T>, BodyError>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::read(deserializer)
    }
}

/// An id of the caller's type.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Id<S>(pub(super) S);

impl<'de, S: Deserialize<'de>> Value<'de> for Id<S> {}

/// Texts are asked for only once, and not first whether they are null.
macro_rules! texts {
    ($($text:ident: $expected:literal),+ $(,)?) => {$(
        impl<'de> Value<'de> for $text {
            #[inline(always)]
            fn read<D>(deserializer: D) -> Result<Result<Option<Self>, BodyError>, D::Error>
            where
                D: Deserializer<'de>,
            {
                if deserializer.is_human_readable() {
                    deserializer.deserialize_any(Catching(NullableText(TextVisitor::new($expected))))
                } else {
                    deserializer.deserialize_option(Nullable(PhantomData))
                }
            }
        }
    )+};
}

texts! {
    Availability: "a string",
    Activity: "a string",
    Lifetime: "a duration as a string",
}

struct NullableText<T>(TextVisitor<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for NullableText<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline(always)]
    fn visit_str<E: Error>(self, text: &str) -> Result<Option<T>, E> {
        self.0.visit_str(text).map(Some)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }
}

/// The name of a field as Graph's errors spell it, with a capital.
pub(super) struct Pascal(pub(super) &'static str);

impl fmt::Display for Pascal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut letters = self.0.chars();
        let first = letters.next().map(|first| first.to_ascii_uppercase());
        write!(f, "{}{}", first.unwrap_or_default(), letters.as_str())
    }
}

/// Reads the name of a field, and returns its position. `None` is an unknown field.
pub(super) struct Name<N>(pub(super) PhantomData<N>);

impl<'de, N: Names> DeserializeSeed<'de> for Name<N> {
    type Value = Option<usize>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl<N: Names> Visitor<'_> for Name<N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    #[inline(always)]
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(name::position(text, N::NAMES))
    }

    /// Formats without names have positions.
    fn visit_u64<E>(self, position: u64) -> Result<Self::Value, E> {
        Ok(usize::try_from(position).ok().filter(|position| *position < N::NAMES.len()))
    }
}

/// Reads an object, or what is found in its place.
pub(super) struct Object<V>(pub(super) V);

macro_rules! visit_others {
    ($($visit:ident($($value:ident: $type:ty)?): $unexpected:expr),+ $(,)?) => {$(
        #[inline(always)]
        fn $visit<E: Error>(self, $($value: $type)?) -> Result<Self::Value, E> {
            Ok(Err(self.found($unexpected)))
        }
    )+};
}

impl<'de, V: Visitor<'de>> Object<V> {
    #[cold]
    fn found(&self, unexpected: Unexpected<'_>) -> BodyError {
        BodyError::new(Caught::<de::value::Error>::invalid_type(unexpected, self))
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = Result<V::Value, BodyError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline(always)]
    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        self.0.visit_map(fields).map(Ok)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
        while let Some(IgnoredAny) = values.next_element()? {}
        Ok(Err(self.found(Unexpected::Seq)))
    }

    visit_others! {
        visit_unit(): Unexpected::Unit,
        visit_none(): Unexpected::Unit,
        visit_bool(value: bool): Unexpected::Bool(value),
        visit_i64(value: i64): Unexpected::Signed(value),
        visit_u64(value: u64): Unexpected::Unsigned(value),
        visit_f64(value: f64): Unexpected::Float(value),
        visit_str(value: &str): Unexpected::Str(value),
    }
}
