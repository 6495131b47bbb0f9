//! CBOR (RFC 8949) as CloudWatch speaks it, read into JSON and written from it.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

/// The content type of requests and answers.
pub const CONTENT_TYPE: &str = "application/cbor";

/// Reads one item as JSON: a tagged item as what it tags, an undefined one as null. `None` for what is not CBOR, has
/// keys that are not text, or holds bytes, which no operation in use does.
pub fn to_json(bytes: &[u8]) -> Option<Value> {
    item(&mut Decoder::new(bytes))
}

fn item(decoder: &mut Decoder<'_>) -> Option<Value> {
    Some(match decoder.datatype().ok()? {
        Type::Bool => Value::Bool(decoder.bool().ok()?),
        Type::Null => decoder.null().ok().map(|()| Value::Null)?,
        Type::Undefined => decoder.undefined().ok().map(|()| Value::Null)?,
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::from(decoder.u64().ok()?),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => Value::from(decoder.i64().ok()?),
        Type::F16 | Type::F32 | Type::F64 => Number::from_f64(decoder.f64().ok()?).map(Value::Number)?,
        Type::String => Value::from(decoder.str().ok()?),
        Type::StringIndef => Value::from(decoder.str_iter().ok()?.collect::<Result<String, _>>().ok()?),
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array().ok()?;
            let mut items = Vec::new();
            while more(decoder, length, items.len())? {
                items.push(item(decoder)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map().ok()?;
            let mut members = Map::new();
            while more(decoder, length, members.len())? {
                let key = decoder.str().ok()?.to_owned();
                members.insert(key, item(decoder)?);
            }
            Value::Object(members)
        }
        Type::Tag => {
            decoder.tag().ok()?;
            item(decoder)?
        }
        _ => return None,
    })
}

/// Whether a collection has another item; the end of one without a length is read away.
fn more(decoder: &mut Decoder<'_>, length: Option<u64>, read: usize) -> Option<bool> {
    match length {
        Some(length) => Some((read as u64) < length),
        None if decoder.datatype().ok()? == Type::Break => decoder.skip().ok().map(|()| false),
        None => Some(true),
    }
}

/// Writes JSON as CBOR.
pub fn from_json(value: &Value) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    // A vector takes whatever is written to it.
    let _ = write(&mut encoder, value);
    encoder.into_writer()
}

fn write(
    encoder: &mut Encoder<Vec<u8>>,
    value: &Value,
) -> Result<(), minicbor::encode::Error<std::convert::Infallible>> {
    match value {
        Value::Null => encoder.null()?,
        Value::Bool(bool) => encoder.bool(*bool)?,
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(natural), _) => encoder.u64(natural)?,
            (None, Some(integer)) => encoder.i64(integer)?,
            (None, None) => encoder.f64(number.as_f64().unwrap_or_default())?,
        },
        Value::String(text) => encoder.str(text)?,
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            return items.iter().try_for_each(|item| write(encoder, item));
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            return members.iter().try_for_each(|(key, member)| {
                encoder.str(key)?;
                write(encoder, member)
            });
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_passes_through_cbor() {
        let value = json!({
            "AlarmName": "errors", "Threshold": 5.5, "Period": 300, "Low": -3, "ActionsEnabled": true, "Unit": null,
            "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:alerts"], "Tags": [{ "Key": "k", "Value": "" }],
        });
        assert_eq!(to_json(&from_json(&value)), Some(value));
    }

    #[test]
    fn collections_without_a_length_and_tags_are_read() {
        // {_ "a": [_ 1, 1(2)]} as an SDK may write it.
        let bytes = [0xbf, 0x61, b'a', 0x9f, 0x01, 0xc1, 0x02, 0xff, 0xff];
        assert_eq!(to_json(&bytes), Some(json!({ "a": [1, 2] })));
    }

    #[test]
    fn what_is_not_cbor_is_nothing() {
        for bytes in [&b""[..], b"\xa1", b"\xa1\x01\x02", b"\x41x"] {
            assert_eq!(to_json(bytes), None, "{bytes:?}");
        }
    }
}
