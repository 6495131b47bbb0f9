//! The validator: a decoded form against an operation's parameters. Pure; what passes is typed JSON.

use serde_json::{Number, Value};

use super::error::ApiError;
use super::form::Form;
use super::object::Object;
use super::schema::{Field, Fields, Operation, Table, Type};

/// Checks every parameter of `form` and types it, for a request of that API version. An empty text stays an empty text
/// where Stripe lets one clear a field.
pub(crate) fn validate(table: &Table, operation: &Operation, form: &Form, version: &str) -> Result<Object, ApiError> {
    let Form::Map(entries) = form else {
        return Err(ApiError::invalid("Invalid request: expected named parameters."));
    };
    let check = Check { table };
    let params = check.object(&operation.params, entries, "")?;
    // Versions begin with their date, so that the later one is the greater text.
    if version >= table.removed_since.as_str() {
        refuse_removed(operation, &params)?;
    }
    refuse_not_modelled(operation, &params)?;
    Ok(params)
}

struct Check<'a> {
    table: &'a Table,
}

impl Check<'_> {
    fn object(&self, fields: &Fields, entries: &[(String, Form)], at: &str) -> Result<Object, ApiError> {
        refuse_unknown(fields, entries, at)?;
        refuse_missing(fields, entries, at)?;
        let mut object = Object::new();
        for (name, form) in entries {
            let Some(Field { kind, .. }) = fields.get(name) else {
                continue;
            };
            object.insert(name.clone(), self.value(kind, form, &join(at, name))?);
        }
        Ok(object)
    }

    fn value(&self, kind: &Type, form: &Form, at: &str) -> Result<Value, ApiError> {
        match (self.table.resolve(kind), form) {
            (Type::AnyOf(kinds), form) => self.any_of(kinds, form, at),
            (Type::Text { max }, Form::Text(text)) => string(text, *max, at),
            (Type::Decimal, Form::Text(text)) => decimal(text, at),
            (Type::Integer, Form::Text(text)) => integer(text, at),
            (Type::Number, Form::Text(text)) => number(text, at),
            (Type::Boolean, Form::Text(text)) => boolean(text, at),
            (Type::Choice(choices), Form::Text(text)) => choice(choices, text, at),
            (Type::List(inner), Form::Map(entries)) => self.list(inner, entries, at),
            (Type::MapOf(inner), Form::Map(entries)) => self.map_of(inner, entries, at),
            (Type::Object(fields), Form::Map(entries)) => self.object(fields, entries, at).map(Value::Object),
            (Type::Open, form) => Ok(plain(form)),
            (Type::List(_), Form::Text(_)) => Err(mismatch("array", at)),
            (Type::MapOf(_) | Type::Object(_), Form::Text(_)) => Err(mismatch("object", at)),
            (_, Form::Map(_)) => Err(mismatch("string", at)),
            (Type::Fragment(_), _) => Err(mismatch("value", at)),
        }
    }

    /// The first alternative that fits; when none does, what is wrong with the one of the same shape.
    fn any_of(&self, kinds: &[Type], form: &Form, at: &str) -> Result<Value, ApiError> {
        let mut refusal = None;
        for kind in kinds {
            match self.value(kind, form, at) {
                Ok(value) => return Ok(value),
                Err(error) if self.same_shape(kind, form) => {
                    refusal.get_or_insert(error);
                }
                Err(_) => {}
            }
        }
        Err(refusal.unwrap_or_else(|| mismatch("value", at)))
    }

    fn same_shape(&self, kind: &Type, form: &Form) -> bool {
        match (self.table.resolve(kind), form) {
            (Type::List(_), Form::Map(entries)) => entries.iter().all(|(key, _)| key.parse::<usize>().is_ok()),
            (Type::MapOf(_) | Type::Object(_), Form::Map(_)) => true,
            // `{"e":[""]}` is only the way to clear a field: a wrong value is told by the other alternative.
            (Type::Choice(choices), Form::Text(_)) => choices.iter().any(|choice| !choice.is_empty()),
            (Type::List(_) | Type::MapOf(_) | Type::Object(_), Form::Text(_)) => false,
            (_, Form::Text(_)) => true,
            _ => false,
        }
    }

    fn list(&self, inner: &Type, entries: &[(String, Form)], at: &str) -> Result<Value, ApiError> {
        let mut rows = Vec::new();
        for (key, form) in entries {
            let index: usize = key.parse().map_err(|_| mismatch("array", at))?;
            rows.push((index, self.value(inner, form, &join(at, key))?));
        }
        rows.sort_by_key(|(index, _)| *index);
        Ok(rows.into_iter().map(|(_, value)| value).collect())
    }

    /// In a map of texts (metadata) an empty text is allowed: it removes the key.
    fn map_of(&self, inner: &Type, entries: &[(String, Form)], at: &str) -> Result<Value, ApiError> {
        let mut map = Object::new();
        for (key, form) in entries {
            let value = match (inner, form) {
                (Type::Text { .. }, Form::Text(text)) if text.is_empty() => Value::String(String::new()),
                _ => self.value(inner, form, &join(at, key))?,
            };
            map.insert(key.clone(), value);
        }
        Ok(Value::Object(map))
    }
}

fn refuse_unknown(fields: &Fields, entries: &[(String, Form)], at: &str) -> Result<(), ApiError> {
    let unknown: Vec<String> =
        entries.iter().filter(|(name, _)| !fields.contains_key(name)).map(|(name, _)| join(at, name)).collect();
    let Some(first) = unknown.first() else {
        return Ok(());
    };
    let plural = if unknown.len() == 1 { "" } else { "s" };
    let message = format!("Received unknown parameter{plural}: {}", unknown.join(", "));
    Err(ApiError::invalid(message).with_code("parameter_unknown").with_param(first.clone()))
}

fn refuse_missing(fields: &Fields, entries: &[(String, Form)], at: &str) -> Result<(), ApiError> {
    let given = |name: &String| entries.iter().any(|(known, _)| known == name);
    let missing = fields.iter().find(|(name, field)| field.required && !given(name));
    match missing {
        Some((name, _)) => Err(ApiError::parameter_missing(&join(at, name))),
        None => Ok(()),
    }
}

fn refuse_removed(operation: &Operation, params: &Object) -> Result<(), ApiError> {
    match operation.removed.iter().find(|name| params.contains_key(*name)) {
        Some(name) => {
            let message = format!("Received unknown parameter: {name}");
            Err(ApiError::invalid(message).with_code("parameter_unknown").with_param(name.clone()))
        }
        None => Ok(()),
    }
}

fn refuse_not_modelled(operation: &Operation, params: &Object) -> Result<(), ApiError> {
    for path in &operation.not_modelled {
        let parts: Vec<&str> = path.split('.').collect();
        if params.get(parts[0]).is_some_and(|value| reaches(value, &parts[1..])) {
            let name = parts[1..].iter().fold(parts[0].to_owned(), |at, part| join(&at, part));
            return Err(ApiError::not_modelled(&format!("the parameter `{name}`")).with_param(name));
        }
    }
    Ok(())
}

fn reaches(value: &Value, path: &[&str]) -> bool {
    match (path.split_first(), value) {
        (None, _) => true,
        (_, Value::Array(rows)) => rows.iter().any(|row| reaches(row, path)),
        (Some((head, rest)), Value::Object(object)) => object.get(*head).is_some_and(|inner| reaches(inner, rest)),
        _ => false,
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}[{name}]") }
}

fn mismatch(expected: &str, at: &str) -> ApiError {
    ApiError::invalid(format!("Invalid {expected}: `{at}` has the wrong shape.")).with_param(at)
}

fn string(text: &str, max: Option<usize>, at: &str) -> Result<Value, ApiError> {
    if text.is_empty() {
        let message = format!(
            "You passed an empty string for '{at}'. We assume empty values are an attempt to unset a parameter; however \
             '{at}' cannot be unset. You should remove '{at}' from your request or supply a non-empty value."
        );
        return Err(ApiError::invalid(message).with_code("parameter_invalid_empty").with_param(at));
    }
    match max {
        Some(max) if text.chars().count() > max => {
            let message = format!("Invalid string: {}; must be at most {max} characters", excerpt(text));
            Err(ApiError::invalid(message).with_param(at))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

/// The ends of a long text: Stripe does not repeat the whole of it either.
fn excerpt(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    if letters.len() <= 20 {
        return text.to_owned();
    }
    let head: String = letters[..8].iter().collect();
    let tail: String = letters[letters.len() - 4..].iter().collect();
    format!("{head}...{tail}")
}

fn integer(text: &str, at: &str) -> Result<Value, ApiError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse::<i64>() {
        Ok(number) if plain => Ok(Value::from(number)),
        _ => Err(ApiError::bad_integer(at, format!("Invalid integer: {}", excerpt(text)))),
    }
}

fn decimal(text: &str, at: &str) -> Result<Value, ApiError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if plain(whole) && plain(fraction) && text.parse::<rust_decimal::Decimal>().is_ok() {
        return Ok(Value::String(text.to_owned()));
    }
    Err(ApiError::invalid(format!("Invalid decimal: {}", excerpt(text))).with_param(at))
}

fn number(text: &str, at: &str) -> Result<Value, ApiError> {
    match serde_json::from_str::<Number>(text) {
        Ok(number) => Ok(Value::Number(number)),
        Err(_) => Err(ApiError::invalid(format!("Invalid number: {}", excerpt(text))).with_param(at)),
    }
}

fn boolean(text: &str, at: &str) -> Result<Value, ApiError> {
    match text {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        _ => Err(ApiError::invalid(format!("Invalid boolean: {}", excerpt(text))).with_param(at)),
    }
}

fn choice(choices: &[String], text: &str, at: &str) -> Result<Value, ApiError> {
    if choices.iter().any(|choice| choice == text) {
        return Ok(Value::String(text.to_owned()));
    }
    let named: Vec<&str> = choices.iter().map(String::as_str).filter(|choice| !choice.is_empty()).collect();
    let allowed = match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("one of {}, or {last}", rest.join(", ")),
        Some((only, _)) => (*only).to_owned(),
        None => "empty".to_owned(),
    };
    Err(ApiError::invalid(format!("Invalid {at}: must be {allowed}")).with_param(at))
}

fn plain(form: &Form) -> Value {
    match form {
        Form::Text(text) => Value::String(text.clone()),
        Form::Map(entries) => Value::Object(entries.iter().map(|(key, form)| (key.clone(), plain(form))).collect()),
    }
}

#[cfg(test)]
mod tests;
