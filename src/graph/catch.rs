//! Reading a value to its end even if its type rejects it.
//!
//! If a type rejects a value, `serde` stops where it is, and the text around the value can no longer be
//! read. Here a type reads by way of [`Catching`], which stands between it and the format. It keeps what
//! the type says, reads the rest of the value, and goes on behind it. So an error of the format is never
//! taken for an error of the value, and nothing is buffered.

#![expect(
    clippy::inline_always,
    reason = "calls between these layers would cost a tenth of the time of a body"
)]

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, Expected, IgnoredAny, IntoDeserializer,
    MapAccess, SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::graph::body::BodyError;

/// Why a value was not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum Caught<E> {
    /// The format failed.
    #[error("{0}")]
    Format(E),
    /// The type of the value rejects it.
    #[error("{0}")]
    Rejected(BodyError),
}

impl<E: Error> Error for Caught<E> {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Rejected(BodyError::new(message))
    }

    /// Names null as JSON does.
    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match unexpected {
            Unexpected::Unit | Unexpected::Option => {
                Self::custom(format_args!("invalid type: null, expected {expected}"))
            }
            other => Self::custom(format_args!("invalid type: {other}, expected {expected}")),
        }
    }
}

/// Keeps the error of a value, and passes on that of the format.
#[inline(always)]
fn catch<T, E>(read: Result<T, Caught<E>>) -> Result<Result<T, BodyError>, E> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(Caught::Rejected(why)) => Ok(Err(why)),
        Err(Caught::Format(error)) => Err(error),
    }
}

/// The inverse of [`catch`].
#[inline(always)]
fn release<T, E>(caught: Result<Result<T, BodyError>, E>) -> Result<T, Caught<E>> {
    caught.map_err(Caught::Format)?.map_err(Caught::Rejected)
}

/// A part of `serde` that catches: what is inside sees errors of the type [`Caught`].
pub(super) struct Catching<T>(pub(super) T);

/// Reads a value that may be null.
pub(super) struct Nullable<T>(pub(super) PhantomData<T>);

impl<'de, T: Deserialize<'de>> DeserializeSeed<'de> for Nullable<T> {
    /// The value, `None` if it is null, or what its type says.
    type Value = Result<Option<T>, BodyError>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Nullable<T> {
    type Value = Result<Option<T>, BodyError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    #[inline(always)]
    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(None))
    }

    #[inline(always)]
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Ok(None))
    }

    #[inline(always)]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        Ok(catch(T::deserialize(Catching(deserializer)))?.map(Some))
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Catching<T> {
    /// The value, or what its type says.
    type Value = Result<T::Value, BodyError>;

    #[inline(always)]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        catch(self.0.deserialize(Catching(deserializer)))
    }
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Catching<D> {
    type Error = Caught<D::Error>;

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }

    #[inline(always)]
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_any(Catching(visitor)))
    }

    #[inline(always)]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_option(Catching(visitor)))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_newtype_struct(name, Catching(visitor)))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.deserialize_any(EnumVisitor(visitor))
    }

    /// JSON has to be told that a number may have more than 64 bits.
    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_u128(Catching(visitor)))
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_i128(Catching(visitor)))
    }

    /// Some values can be passed over and not be read, such as 1e999.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        release(self.0.deserialize_ignored_any(Catching(visitor)))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

/// Visits values that contain no others.
macro_rules! visit_plain_values {
    ($($visit:ident: $value:ty),+ $(,)?) => {$(
        #[inline(always)]
        fn $visit<E: Error>(self, value: $value) -> Result<Self::Value, E> {
            catch(self.0.$visit(value))
        }
    )+};
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Catching<V> {
    type Value = Result<V::Value, BodyError>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    visit_plain_values! {
        visit_bool: bool,
        visit_i64: i64,
        visit_i128: i128,
        visit_u64: u64,
        visit_u128: u128,
        visit_f64: f64,
        visit_char: char,
        visit_str: &str,
        visit_borrowed_str: &'de str,
        visit_string: String,
        visit_bytes: &[u8],
        visit_borrowed_bytes: &'de [u8],
        visit_byte_buf: Vec<u8>,
    }

    #[inline(always)]
    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        catch(self.0.visit_none())
    }

    #[inline(always)]
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        catch(self.0.visit_unit())
    }

    #[inline(always)]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        catch(self.0.visit_some(Catching(deserializer)))
    }

    #[inline(always)]
    fn visit_newtype_struct<D: Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        catch(self.0.visit_newtype_struct(Catching(deserializer)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let value = catch(self.0.visit_seq(Catching(&mut elements)))?;
        let mut rest = 0;
        while let Some(IgnoredAny) = elements.next_element()? {
            rest += 1;
        }
        Ok(value.and_then(|value| without(rest, value)))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        let mut fields = CatchingFields { fields, is_at_value: false };
        let value = catch(self.0.visit_map(&mut fields))?;
        let mut rest = 0;
        while fields.is_at_value || fields.fields.next_key()?.is_some_and(|IgnoredAny| true) {
            fields.is_at_value = false;
            let IgnoredAny = fields.fields.next_value()?;
            rest += 1;
        }
        Ok(value.and_then(|value| without(rest, value)))
    }
}

/// Returns a value if nothing is left of the list or the object that it was read from.
fn without<T>(rest: usize, value: T) -> Result<T, BodyError> {
    if rest == 0 {
        Ok(value)
    } else {
        Err(BodyError::new(format_args!("invalid length, expected {rest} fewer")))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Catching<&mut A> {
    type Error = Caught<A::Error>;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        release(self.0.next_element_seed(Catching(seed)).map(Option::transpose))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

/// The fields of an object, which remember whether the value of a name is still to be read.
struct CatchingFields<A> {
    fields: A,
    is_at_value: bool,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for CatchingFields<A> {
    type Error = Caught<A::Error>;

    fn next_key_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Self::Error> {
        let name = self.fields.next_key_seed(Catching(seed)).map_err(Caught::Format)?;
        self.is_at_value = name.is_some();
        name.transpose().map_err(Caught::Rejected)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Self::Error> {
        self.is_at_value = false;
        release(self.fields.next_value_seed(Catching(seed)))
    }
}

/// Reads an enum from a text, or from an object with one field.
struct EnumVisitor<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for EnumVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    #[inline(always)]
    fn visit_str<E: Error>(self, variant: &str) -> Result<V::Value, E> {
        self.0.visit_enum(variant.into_deserializer())
    }

    fn visit_map<A: MapAccess<'de>>(self, variant: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(MapAccessDeserializer::new(variant))
    }
}
