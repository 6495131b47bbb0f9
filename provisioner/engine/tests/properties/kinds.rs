//! Four kinds that between them have the ways of real ones:
//!
//! - `net`: a name we choose, which only a new one can change; tags that others may add to; a generated output.
//! - `box`: a generated id, found by its ownership tag, idempotent by token; a field that lists do not give.
//! - `item`: lives in a box and goes with it; cannot be found without knowing the box.
//! - `note`: cannot say whose it is.

use async_trait::async_trait;
use engine::diff::FieldChange;
use engine::kind::{Contents, Create, Delete, Depth, ErrorClass, Removal, Update, Want};
use engine::{Address, Applied, CallError, Kind, KindMeta, Kinds, Listed, Observed, Owner};
use serde_json::{Value, json};

use crate::cloud::{Cloud, Happened, Inner, Object};

pub(crate) const STACK: &str = "test";

const fn meta(name: &'static str, service: &'static str) -> KindMeta {
    KindMeta {
        name,
        service,
        summary: "a thing of the tests",
        create_only: &[],
        open_maps: &["tags"],
        unlisted: &[],
        permissions: &[],
        guarded: false,
        leaves: None,
        ..KindMeta::PLAIN
    }
}

static NET: KindMeta = KindMeta { create_only: &["name"], ..meta("net", "alpha") };
static BOX: KindMeta = KindMeta { create_only: &["zone"], unlisted: &["hidden"], guarded: true, ..meta("box", "beta") };
static ITEM: KindMeta = KindMeta { create_only: &["box"], ..meta("item", "beta") };
static NOTE: KindMeta = meta("note", "gamma");

pub(crate) struct Fake {
    meta: &'static KindMeta,
    cloud: Cloud,
}

pub(crate) fn kinds(cloud: &Cloud) -> Kinds {
    let kinds = [&NET, &BOX, &ITEM, &NOTE];
    Kinds::new(kinds.map(|meta| Box::new(Fake { meta, cloud: cloud.clone() }) as Box<dyn Kind>).into())
}

fn error(operation: &str, class: ErrorClass, message: String) -> CallError {
    CallError { operation: operation.to_owned(), message, class }
}

fn text<'v>(fields: &'v Value, name: &str) -> Option<&'v str> {
    fields.get(name)?.as_str()
}

impl Fake {
    /// The id it has by its fields, where the name is ours to choose.
    fn chosen_id(&self, address: &Address, fields: &Value) -> Option<String> {
        match self.meta.name {
            "net" => Some(format!("net/{}", text(fields, "name")?)),
            "item" => Some(format!("{}/{}", text(fields, "box")?, address.name())),
            "note" => Some(format!("note/{}", address.name())),
            _ => None,
        }
    }

    fn find<'i>(&self, inner: &'i Inner, want: &Want) -> Option<&'i Object> {
        match self.chosen_id(&want.address, &want.fields) {
            Some(id) => inner.objects.get(&id),
            None if self.meta.name == "box" => {
                let ours = |object: &&Object| {
                    let tagged = object.address == want.address && matches!(&object.owner, Owner::Stack { .. });
                    object.kind == "box" && (tagged || Some(&object.id) == want.id.as_ref())
                };
                inner.objects.values().find(ours)
            }
            None => None,
        }
    }

    fn observe(&self, object: &Object, want: &Want, depth: Depth) -> Observed {
        let mut fields = object.fields.clone();
        let mut unread = Vec::new();
        if let (Depth::Lists, Some(known)) = (depth, &want.known) {
            for field in self.meta.unlisted {
                fields[*field] = known[*field].clone();
                unread.push((*field).to_owned());
            }
        }
        let owner = if self.meta.name == "note" { Owner::Untold } else { object.owner.clone() };
        Observed {
            id: object.id.clone(),
            fields: fields.into(),
            outputs: outputs(object),
            owner,
            unread,
            pending: None,
        }
    }

    fn make(&self, inner: &mut Inner, now_ms: u64, request: Create) -> Result<Applied, CallError> {
        let operation = format!("{}:create", self.meta.name);
        let refuse = |class, message: &str| Err(error(&operation, class, message.to_owned()));
        if inner.poisoned.contains(&request.address) {
            return refuse(ErrorClass::Refused, "poisoned");
        }
        for needed in [text(&request.desired, "net"), text(&request.desired, "box")].into_iter().flatten() {
            match inner.objects.values().find(|object| object.uid == needed || object.id == needed) {
                None => return refuse(ErrorClass::Refused, &format!("there is no {needed}")),
                Some(found) if found.visible_from_ms > now_ms => return refuse(ErrorClass::NotYet, "not visible"),
                Some(_) => {}
            }
        }
        inner.next += 1;
        let generated = format!("{}-{}", self.meta.name, inner.next);
        let id = match self.chosen_id(&request.address, &request.desired) {
            Some(id) if inner.objects.contains_key(&id) => return refuse(ErrorClass::AlreadyExists, "it exists"),
            Some(id) => id,
            None => match inner.tokens.get(&request.token).cloned() {
                // As real services do: the first answer again, even if what it speaks of is gone by now.
                Some(id) => {
                    let outputs = inner.objects.get(&id).map(outputs).unwrap_or_default();
                    return Ok(Applied { id, outputs, pending: None });
                }
                None => generated.clone(),
            },
        };
        inner.tokens.insert(request.token, id.clone());
        inner.history.push(Happened::Made(request.address.clone()));
        let object = Object {
            kind: self.meta.name,
            id: id.clone(),
            owner: Owner::at(STACK, &request.address),
            address: request.address,
            fields: request.desired,
            uid: generated,
            visible_from_ms: now_ms + inner.invisible_ms,
        };
        let outputs = outputs(&object);
        inner.objects.insert(id.clone(), object);
        Ok(Applied { id, outputs, pending: None })
    }

    fn change(&self, inner: &mut Inner, request: Update) -> Result<Applied, CallError> {
        let operation = format!("{}:update", self.meta.name);
        let refuse = |message: String| Err(error(&operation, ErrorClass::Refused, message));
        if inner.poisoned.contains(&request.address) {
            return refuse("poisoned".to_owned());
        }
        assert!(request.claim || !request.changes.is_empty(), "an update must change something");
        let Some(object) = inner.objects.get_mut(&request.id) else {
            return refuse(format!("there is no {}", request.id));
        };
        for field in self.meta.create_only {
            if object.fields[*field] != request.desired[*field] {
                return refuse(format!("{field} cannot be changed"));
            }
        }
        if request.claim {
            object.owner = Owner::at(STACK, &request.address);
            object.address = request.address.clone();
        }
        apply_changes(&mut object.fields, &request.changes);
        inner.history.push(Happened::Changed(request.address));
        Ok(Applied::default())
    }

    fn remove(&self, inner: &mut Inner, request: &Delete) -> Removal {
        let Some(object) = inner.objects.remove(&request.id) else { return Removal::Gone };
        let deleted = request.address.clone();
        let needs = |other: &&Object| {
            [text(&other.fields, "net"), text(&other.fields, "box")]
                .into_iter()
                .flatten()
                .any(|needed| needed == object.uid || needed == object.id)
        };
        let under: Vec<Address> = inner.objects.values().filter(needs).map(|other| other.address.clone()).collect();
        for needed_by in under {
            inner.history.push(Happened::DeletedUnder { deleted: deleted.clone(), needed_by });
        }
        // What is in a box goes with it.
        inner.objects.retain(|_, other| object.kind != "box" || text(&other.fields, "box") != Some(&object.id));
        inner.history.push(Happened::Deleted(deleted));
        Removal::Gone
    }
}

fn outputs(object: &Object) -> std::collections::BTreeMap<String, Value> {
    let given = [("id", &object.id), ("uid", &object.uid)];
    given.into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

/// Writes only what changes, so that what others added stays.
fn apply_changes(fields: &mut Value, changes: &[FieldChange]) {
    for change in changes {
        let mut place = &mut *fields;
        for part in change.path.split('.') {
            place = &mut place[part];
        }
        *place = change.after.clone();
    }
    if let Some(tags) = fields.get_mut("tags").and_then(Value::as_object_mut) {
        tags.retain(|_, value| !value.is_null());
    }
}

#[async_trait]
impl Kind for Fake {
    fn meta(&self) -> &'static KindMeta {
        self.meta
    }

    async fn read(&self, wants: &[Want], depth: Depth) -> Vec<Result<Option<Observed>, CallError>> {
        let look = |inner: &mut Inner, now_ms: u64| {
            let see = |want: &Want| {
                let found = self.find(inner, want).filter(|object| object.visible_from_ms <= now_ms);
                Ok(found.map(|object| self.observe(object, want, depth)))
            };
            Ok(wants.iter().map(see).collect())
        };
        let answer = self.cloud.call(self.meta.service, "read", look).await;
        answer.unwrap_or_else(|error| wants.iter().map(|_| Err(error.clone())).collect())
    }

    async fn list(&self) -> Result<Vec<Listed>, CallError> {
        let list = |inner: &mut Inner, _| {
            let ours = |object: &&Object| object.kind == self.meta.name && object.owner.is_stack(STACK);
            let told = |_: &&Object| self.meta.name != "note";
            let listed = |object: &Object| Listed {
                address: object.address.clone(),
                tenant: text(&object.fields, "tenant").map(str::to_owned),
                id: object.id.clone(),
                fields: object.fields.clone(),
            };
            Ok(inner.objects.values().filter(ours).filter(told).map(listed).collect())
        };
        self.cloud.call(self.meta.service, "list", list).await
    }

    async fn create(&self, request: Create) -> Result<Applied, CallError> {
        let make = |inner: &mut Inner, now_ms| self.make(inner, now_ms, request);
        self.cloud.call(self.meta.service, "create", make).await
    }

    async fn update(&self, request: Update) -> Result<Applied, CallError> {
        self.cloud.call(self.meta.service, "update", |inner, _| self.change(inner, request)).await
    }

    async fn delete(&self, request: Delete) -> Result<Removal, CallError> {
        self.cloud.call(self.meta.service, "delete", |inner, _| Ok(self.remove(inner, &request))).await
    }

    async fn contents(&self, id: &str, _fields: &Value) -> Result<Option<Contents>, CallError> {
        let inside = self.cloud.lock().objects.values().filter(|other| text(&other.fields, "box") == Some(id)).count();
        Ok((inside > 0).then(|| Contents { described: format!("{inside} items") }))
    }
}
