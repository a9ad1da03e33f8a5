//! `deploy/crds.yaml`: what the API server has to know of our kinds, made from the types that read
//! them ([`super::shape`]) and from what [`super::describe`] says of their fields.
use super::{
    describe::{Row, rows},
    middleware::{Middleware, MiddlewareTcp},
    route::{IngressRoute, IngressRouteTcp, IngressRouteUdp},
    service::TraefikService,
    shape::{Shape, shape_of},
    tls::{ServersTransport, TlsOption, TlsStore},
    yaml::Yaml,
};
use crate::provider::kubernetes::{Group, Kind, Resource};
use alloc::{
    borrow::ToOwned,
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};

const HEADER: &str = "\
# Generated from core/src/provider/kubernetes/crd. To bring it up to date:
# UPDATE_CRDS=1 cargo test -p rutter-core --test crds
";

/// The file, and what is missing in what is said of fields: nothing, if all is well.
#[must_use]
pub fn crds() -> (String, Vec<String>) {
    let mut schemas = Schemas { used: BTreeSet::new(), faults: Vec::new() };
    let mut documents = HEADER.to_owned();
    for group in [Group::TraefikIo, Group::TraefikContainoUs] {
        for kind in Kind::CUSTOM {
            documents.push_str("---\n");
            schemas.definition(Resource { kind, group }).write(&mut documents, 0);
        }
    }
    let unused = rows().enumerate().filter(|(index, _)| !schemas.used.contains(index));
    let unused = unused.map(|(_, row)| format!("{}: there is no such field", row.path));
    schemas.faults.extend(unused);
    schemas.faults.dedup();
    (documents, schemas.faults)
}

struct Schemas {
    /// Rows that say something of a field.
    used: BTreeSet<usize>,
    faults: Vec<String>,
}

impl Schemas {
    fn definition(&mut self, resource: Resource) -> Yaml {
        let kind = resource.kind;
        let (name, plural) = (kind.name(), kind.plural());
        let names = Yaml::map([
            ("kind", Yaml::text(name)),
            ("listKind", Yaml::text(&format!("{name}List"))),
            ("plural", Yaml::text(plural)),
            ("singular", Yaml::text(&name.to_lowercase())),
        ]);
        let version = Yaml::map([
            ("name", Yaml::text(resource.version())),
            ("served", Yaml::Bool(true)),
            ("storage", Yaml::Bool(true)),
            ("schema", Yaml::map([("openAPIV3Schema", self.root(kind))])),
        ]);
        let spec = Yaml::map([
            ("group", Yaml::text(resource.group_name())),
            ("names", names),
            ("scope", Yaml::text("Namespaced")),
            ("versions", Yaml::List(Vec::from([version]))),
        ]);
        let metadata = format!("{plural}.{}", resource.group_name());
        Yaml::map([
            ("apiVersion", Yaml::text("apiextensions.k8s.io/v1")),
            ("kind", Yaml::text("CustomResourceDefinition")),
            ("metadata", Yaml::map([("name", Yaml::text(&metadata))])),
            ("spec", spec),
        ])
    }

    fn root(&mut self, kind: Kind) -> Yaml {
        let text = |description: &str| {
            Yaml::map([("type", Yaml::text("string")), ("description", Yaml::text(description))])
        };
        let shape = match shape(kind) {
            Ok(shape) => shape,
            Err(error) => {
                self.faults.push(format!("{}: {error}", kind.name()));
                Shape::Object(Vec::new())
            }
        };
        let path = Vec::from([kind.name().to_owned()]);
        let spec = self.schema(&path, &shape);
        let properties = Yaml::map([
            ("apiVersion", text("The version of the API that the object is written for.")),
            ("kind", text("The kind of the object.")),
            ("metadata", Yaml::map([("type", Yaml::text("object"))])),
            ("spec", spec),
        ]);
        let required = Yaml::List(Vec::from([Yaml::text("metadata"), Yaml::text("spec")]));
        Yaml::map([
            ("type", Yaml::text("object")),
            ("description", Yaml::text(about(kind))),
            ("required", required),
            ("properties", properties),
        ])
    }

    /// What may stand at `path`, the names on the way there.
    fn schema(&mut self, path: &[String], shape: &Shape) -> Yaml {
        let row = self.row(path);
        let mut fields = Vec::new();
        match shape {
            Shape::Bool => fields.push(("type", Yaml::text("boolean"))),
            Shape::Integer => {
                fields.push(("type", Yaml::text("integer")));
                fields.push(("format", Yaml::text("int64")));
            }
            Shape::Number => fields.push(("type", Yaml::text("number"))),
            Shape::Text => fields.push(("type", Yaml::text("string"))),
            Shape::IntegerOrText => {
                let type_of = |name| Yaml::map([("type", Yaml::text(name))]);
                fields.push(("anyOf", Yaml::List([type_of("integer"), type_of("string")].into())));
                fields.push(("x-kubernetes-int-or-string", Yaml::Bool(true)));
            }
            Shape::List(_) => fields.push(("type", Yaml::text("array"))),
            Shape::Map(_) | Shape::Object(_) => fields.push(("type", Yaml::text("object"))),
        }
        if let Some(row) = row {
            fields.push(("description", Yaml::text(row.description)));
            let is_list = matches!(shape, Shape::List(_));
            if !is_list {
                fields.extend(row.value_rules());
            }
        }
        match shape {
            Shape::List(item) => fields.push(("items", self.item(path, row, item))),
            Shape::Map(value) => {
                fields.push(("additionalProperties", self.item(path, None, value)));
            }
            Shape::Object(of) => self.object(path, of, &mut fields),
            Shape::Bool | Shape::Integer | Shape::Number | Shape::Text | Shape::IntegerOrText => {}
        }
        Yaml::map(fields)
    }

    /// An item of a list, to which the rules of its field apply, or a value of a map.
    fn item(&mut self, path: &[String], row: Option<&'static Row>, shape: &Shape) -> Yaml {
        if let Shape::Object(of) = shape {
            let mut fields = Vec::from([("type", Yaml::text("object"))]);
            self.object(path, of, &mut fields);
            return Yaml::map(fields);
        }
        let mut fields = Vec::from([("type", Yaml::text("string"))]);
        if *shape != Shape::Text {
            self.faults
                .push(format!("{}: items that are neither text nor objects", path.join(".")));
        }
        fields.extend(row.into_iter().flat_map(Row::value_rules));
        Yaml::map(fields)
    }

    fn object(
        &mut self,
        path: &[String],
        of: &[(String, Shape)],
        fields: &mut Vec<(&'static str, Yaml)>,
    ) {
        let mut properties = Vec::new();
        let mut required = Vec::new();
        for (name, shape) in of {
            let mut path = path.to_vec();
            path.push(name.clone());
            if self.row(&path).is_some_and(|row| row.required) {
                required.push(Yaml::text(name));
            }
            properties.push((name.to_string(), self.schema(&path, shape)));
        }
        if !required.is_empty() {
            fields.push(("required", Yaml::List(required)));
        }
        fields.push(("properties", Yaml::Map(properties)));
    }

    /// What is said of a field: the row with the longest end of its path.
    fn row(&mut self, path: &[String]) -> Option<&'static Row> {
        let whole = path.join(".");
        let fits = |row: &Row| {
            whole.strip_suffix(row.path).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let found = rows().enumerate().filter(|(_, row)| fits(row));
        match found.max_by_key(|(_, row)| row.path.len()) {
            Some((index, row)) => {
                self.used.insert(index);
                Some(row)
            }
            None => {
                self.faults.push(format!("{whole}: nothing is said of it"));
                None
            }
        }
    }
}

fn shape(kind: Kind) -> Result<Shape, super::shape::Error> {
    match kind {
        Kind::IngressRoute => shape_of::<IngressRoute>(),
        Kind::IngressRouteTcp => shape_of::<IngressRouteTcp>(),
        Kind::IngressRouteUdp => shape_of::<IngressRouteUdp>(),
        Kind::Middleware => shape_of::<Middleware>(),
        Kind::MiddlewareTcp => shape_of::<MiddlewareTcp>(),
        Kind::TraefikService => shape_of::<TraefikService>(),
        Kind::TlsOption => shape_of::<TlsOption>(),
        Kind::TlsStore => shape_of::<TlsStore>(),
        Kind::ServersTransport => shape_of::<ServersTransport>(),
        Kind::Service | Kind::EndpointSlice | Kind::Secret | Kind::IngressClass | Kind::Ingress => {
            Ok(Shape::Object(Vec::new()))
        }
    }
}

fn about(kind: Kind) -> &'static str {
    let row = rows().find(|row| row.path == kind.name());
    row.map_or("", |row| row.description)
}
