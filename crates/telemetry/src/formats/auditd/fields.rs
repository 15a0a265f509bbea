//! The asked fields: what each name means, and its value in an event.

use super::address::Address;
use super::arguments::{self, Arguments};
use super::decode::Decoder;
use super::join::{Group, Record};
use super::json;
use super::object::Object;
use super::process::{Id, Kept, Table};
use super::record::{Fields, Raw, RecordType};
use super::syscall::{Syscall, decimal};
use super::users::Users;
use crate::Value;
use std::cell::OnceCell;

/// Which process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Own,
    Parent,
    Grandparent,
}

/// What of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Pid,
    Ppid,
    Exe,
    Comm,
    CommandLine,
    Argv,
    Time,
}

impl Part {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pid" => Part::Pid,
            "ppid" => Part::Ppid,
            "exe" => Part::Exe,
            "comm" => Part::Comm,
            "cmdline" => Part::CommandLine,
            "argv" => Part::Argv,
            "time" => Part::Time,
            _ => return None,
        })
    }
}

/// What an asked field is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Time,
    Host,
    Id,
    Raw,
    Fields,
    Type,
    CommandLine,
    Argv,
    Argc,
    /// Something of the event's process, its parent or its parent's parent.
    Process(Whose, Part),
    User,
    UserCommand,
    AddressFamily,
    AddressIp,
    AddressPort,
    AddressPath,
    Keys,
    /// The name of the PATH record with that `item`.
    PathName(usize),
    Node,
    /// An argument: of EXECVE where there is one, else SYSCALL's register.
    Argument(usize, String),
    /// A name that enrichment adds: upper case.
    Enriched(String),
    /// A field of a record.
    Plain(String),
    /// Of a record that is given alone, this of its whole event.
    Event(Box<Want>),
    /// The `name` of a PATH record as an absolute path.
    AbsolutePath,
    /// A pseudo-field that this family does not have.
    Nothing,
}

/// The names that enrichment adds to those of numbers: they are a name, or missing, never the number.
const ENRICHED: [&str; 18] = [
    "ARCH", "SYSCALL", "SADDR", "AUID", "UID", "GID", "EUID", "SUID", "FSUID", "EGID", "SGID", "FSGID", "OUID", "OGID",
    "OAUID", "OLD-AUID", "IUID", "ID",
];

impl Want {
    /// The meaning of a field's name. Exact case decides between `uid` and `UID`; otherwise case does not matter.
    pub(super) fn parse(name: &str) -> Self {
        if ENRICHED.contains(&name) {
            return Want::Enriched(name.to_owned());
        }
        let lower = name.to_ascii_lowercase();
        if let Some(n) = lower.strip_prefix("@name.") {
            return n.parse().map_or(Want::Nothing, Want::PathName);
        }
        if let Some(of_event) = lower.strip_prefix("@event.") {
            // Pseudo-fields go by their own name there, too: `@event.exe`, `@event.cmdline`.
            let pseudo = Want::parse(&format!("@{of_event}"));
            let want = if pseudo == Want::Nothing { Want::parse(of_event) } else { pseudo };
            return Want::Event(Box::new(want));
        }
        for (prefix, whose) in
            [("@parent.parent.", Whose::Grandparent), ("@parent.", Whose::Parent), ("@process.", Whose::Own)]
        {
            if let Some(part) = lower.strip_prefix(prefix) {
                return Part::parse(part).map_or(Want::Nothing, |part| Want::Process(whose, part));
            }
        }
        match lower.as_str() {
            "@time" => Want::Time,
            "@host" => Want::Host,
            "@id" => Want::Id,
            "@raw" => Want::Raw,
            "@fields" => Want::Fields,
            "@type" | "type" => Want::Type,
            "@cmdline" => Want::CommandLine,
            "@argv" => Want::Argv,
            "@argc" => Want::Argc,
            "@user" => Want::User,
            "@user_cmd" => Want::UserCommand,
            "@addr.family" => Want::AddressFamily,
            "@addr.ip" => Want::AddressIp,
            "@addr.port" => Want::AddressPort,
            "@addr.path" => Want::AddressPath,
            "@keys" => Want::Keys,
            "@path" => Want::AbsolutePath,
            "node" => Want::Node,
            _ if lower.starts_with('@') => Want::Nothing,
            _ => match arguments::piece(lower.as_bytes()) {
                Some((n, 0)) if !lower.contains('[') => Want::Argument(n, lower),
                _ => Want::Plain(lower),
            },
        }
    }

    /// Whether its value stands in the lines of its event, as it is or in hex: each piece of it that has no white space,
    /// quote, slash or comma in it. Not what comes from tables, from other events, or is written anew.
    pub(super) fn is_shown(&self, passwd: bool) -> bool {
        match self {
            Want::Event(want) => want.is_shown(passwd),
            Want::User => !passwd,
            Want::Enriched(name) => !passwd && !matches!(name.as_str(), "SYSCALL" | "ARCH"),
            Want::Raw
            | Want::CommandLine
            | Want::UserCommand
            | Want::PathName(_)
            | Want::Node
            | Want::Argument(..)
            | Want::Plain(_)
            | Want::AbsolutePath => true,
            Want::Time
            | Want::Host
            | Want::Id
            | Want::Fields
            | Want::Type
            | Want::Argv
            | Want::Argc
            | Want::Keys
            | Want::Process(..)
            | Want::AddressFamily
            | Want::AddressIp
            | Want::AddressPort
            | Want::AddressPath
            | Want::Nothing => false,
        }
    }

    /// Whether its value may stand in a record that has a process title and nothing else.
    pub(super) fn is_in_title(&self) -> bool {
        match self {
            Want::Event(want) => want.is_in_title(),
            Want::Plain(name) => name == "proctitle",
            Want::Raw | Want::Fields => true,
            _ => false,
        }
    }

    /// Whether the process table must be kept for it.
    pub(super) fn needs_processes(&self) -> bool {
        if let Want::Event(want) = self {
            return want.needs_processes();
        }
        !matches!(self, Want::Process(Whose::Parent | Whose::Own, Part::Pid) | Want::Process(Whose::Own, Part::Ppid))
            && matches!(self, Want::Process(..))
    }

    /// Whether the process table must keep arguments for it.
    pub(super) fn needs_parent_arguments(&self) -> bool {
        match self {
            Want::Event(want) => want.needs_parent_arguments(),
            want => matches!(want, Want::Process(_, Part::CommandLine | Part::Argv)),
        }
    }

    /// Whether the arguments must be decoded for it.
    pub(super) fn needs_arguments(&self) -> bool {
        match self {
            Want::Event(want) => want.needs_arguments(),
            want => matches!(want, Want::CommandLine | Want::Argv | Want::Argc | Want::Argument(..) | Want::Fields),
        }
    }
}

/// An event and all that its fields are taken from.
pub(super) struct View<'a> {
    pub(super) group: &'a Group,
    /// The one record whose fields are looked at; all of them where there is none.
    pub(super) record: Option<&'a Record>,
    /// The SYSCALL record and its decoded part.
    pub(super) syscall: Option<(&'a Record, Syscall<'a>)>,
    /// Whether it is a successful execution.
    pub(super) exec: bool,
    pub(super) arguments: Option<&'a Arguments>,
    /// The processes, where they are followed, and the number of the event's node.
    pub(super) processes: Option<(&'a Table, u32)>,
    pub(super) host: Option<&'a str>,
    pub(super) node: &'a str,
    pub(super) users: &'a Users,
    pub(super) decoder: &'a Decoder,
    pub(super) address: OnceCell<Option<Address>>,
}

impl<'a> View<'a> {
    /// The value of an asked field.
    pub(super) fn value(&self, want: &Want) -> Value<'a> {
        let d = self.decoder;
        match want {
            Want::Time => Value::Time(self.group.time),
            Want::Host => self.host.map_or(Value::Missing, Value::text),
            Want::Node if self.node.is_empty() => Value::Missing,
            Want::Node => Value::text(self.node),
            Want::Id => i64::try_from(self.group.serial).map_or(Value::Missing, Value::Int),
            Want::Raw => Value::Text(d.utf8(self.record.map_or(&self.group.text, |r| self.group.line(r)))),
            Want::Event(want) => self.whole().value(want),
            Want::AbsolutePath => self.absolute_path(),
            Want::Fields => Value::Json(self.fields().into()),
            Want::Type => Value::Text(d.utf8(self.kind_name())),
            Want::CommandLine => self.own_arguments().map_or(Value::Missing, |a| Value::Text(d.utf8(&a.joined))),
            Want::Argv => self.own_arguments().map_or(Value::Missing, |a| Value::Json(a.json().into())),
            Want::Argc => self.own_arguments().map_or(Value::Missing, |a| {
                Value::Int(a.declared.and_then(|n| i64::try_from(n).ok()).unwrap_or(a.len() as i64))
            }),
            Want::Process(whose, part) => self.process(*whose, *part),
            Want::User => self.user(),
            Want::UserCommand => self.plain_of(RecordType::UserCmd, b"cmd"),
            Want::AddressFamily => self.with_address(|a| Some(Value::Text(a.family.to_string().into()))),
            Want::AddressIp => self.with_address(|a| a.ip.clone().map(|ip| Value::Text(ip.into()))),
            Want::AddressPort => self.with_address(|a| a.port.map(|p| Value::Int(p.into()))),
            Want::AddressPath => {
                self.with_address(|a| a.path.as_ref().map(|p| Value::Text(d.utf8(p).into_owned().into())))
            }
            Want::Keys => self.keys(),
            Want::PathName(n) => self.path_name(*n),
            Want::Argument(n, name) => match self.own_arguments() {
                Some(a) => a.get(*n).map_or(Value::Missing, |bytes| Value::Text(d.utf8(bytes))),
                None => self.number(name),
            },
            Want::Enriched(name) => self.enriched(name),
            Want::Plain(name) => self.plain(name),
            Want::Nothing => Value::Missing,
        }
    }

    /// The whole event of a record that is given alone.
    fn whole(&self) -> View<'a> {
        View { record: None, address: OnceCell::new(), ..*self }
    }

    /// The event's record alone: of what is decoded of the whole event, only what is the record's.
    pub(super) fn alone(&self, record: &'a Record) -> View<'a> {
        View { record: Some(record), address: OnceCell::new(), ..*self }
    }

    fn absolute_path(&self) -> Value<'a> {
        let Some(record) = self.record.filter(|r| r.kind == RecordType::Path) else { return Value::Missing };
        let name = |body: &'a [u8], field: &[u8]| Fields::find(body, field).map(|raw| self.decoder.value(field, raw));
        let path = name(self.group.body(record), b"name").unwrap_or_default();
        let cwd = self.group.first(RecordType::Cwd).and_then(|r| name(self.group.body(r), b"cwd"));
        match (path, cwd) {
            (Value::Text(path), Some(Value::Text(cwd))) if !path.starts_with('/') => {
                let path = path.strip_prefix("./").unwrap_or(&path);
                Value::Text(format!("{}/{path}", cwd.trim_end_matches('/')).into())
            }
            (path, _) => path,
        }
    }

    /// `EXECVE` for an execution; otherwise the first record's type.
    fn kind_name(&self) -> &'a [u8] {
        if let Some(record) = self.record {
            return self.group.name(record);
        }
        if self.exec {
            return b"EXECVE";
        }
        self.group.records.first().map_or(&b""[..], |r| self.group.name(r))
    }

    /// Something of a process: the numbers as the record has them, the rest as the process table knows it.
    fn process(&self, whose: Whose, part: Part) -> Value<'a> {
        let number = |n: Option<u32>| n.map_or(Value::Missing, |n| Value::Int(n.into()));
        let live = |pid: Option<u32>| {
            let (table, node) = self.processes?;
            table.live(Id { node, pid: pid? }, self.group.time)
        };
        // A message from user space has a `pid` but no `ppid`: the table may know it.
        let (own, parent) = match &self.syscall {
            Some((_, s)) => (s.pid, s.ppid),
            None => {
                let own = self.number_of("pid");
                (own, live(own).and_then(|p| p.ppid))
            }
        };
        let process = match (whose, part) {
            (Whose::Own, Part::Pid) => return number(own),
            (Whose::Own, Part::Ppid) | (Whose::Parent, Part::Pid) => return number(parent),
            (Whose::Grandparent, Part::Pid) => return number(live(parent).and_then(|p| p.ppid)),
            (Whose::Own, _) => live(own),
            (Whose::Parent, _) => live(parent),
            (Whose::Grandparent, _) => live(live(parent).and_then(|p| p.ppid)),
        };
        let Some(process) = process else { return Value::Missing };
        let text = |text: &'a Option<String>| text.as_deref().map_or(Value::Missing, Value::text);
        let arguments = || process.image.arguments.as_ref().map(Kept::decoded);
        match part {
            Part::Pid => Value::Missing,
            Part::Ppid => number(process.ppid),
            Part::Exe => text(&process.image.exe),
            Part::Comm => text(&process.image.comm),
            Part::CommandLine => arguments().map_or(Value::Missing, |a| Value::Text(self.decoder.utf8(&a.joined))),
            Part::Argv => arguments().map_or(Value::Missing, |a| Value::Json(a.json().into())),
            Part::Time => process.started.map_or(Value::Missing, Value::Time),
        }
    }

    fn with_address(&self, take: impl Fn(&Address) -> Option<Value<'a>>) -> Value<'a> {
        let address = self.address.get_or_init(|| {
            let record = self.group.first(RecordType::Sockaddr)?;
            super::address::decode(Fields::find(self.group.body(record), b"saddr")?.bytes())
        });
        address.as_ref().and_then(take).unwrap_or_default()
    }

    /// The records in the order in which a field is looked for: SYSCALL first, then as they stand.
    fn records(&self) -> impl Iterator<Item = &'a Record> + use<'a> {
        let records = self.record.map_or(self.group.records.as_slice(), std::slice::from_ref);
        let rest = records.iter().filter(|r| r.kind != RecordType::Syscall);
        records.iter().filter(|r| r.kind == RecordType::Syscall).chain(rest)
    }

    /// The SYSCALL record, if its fields are looked at.
    fn own_syscall(&self) -> Option<&(&'a Record, Syscall<'a>)> {
        self.syscall.as_ref().filter(|_| self.record.is_none_or(|r| r.kind == RecordType::Syscall))
    }

    /// The arguments, if their record's fields are looked at.
    fn own_arguments(&self) -> Option<&'a Arguments> {
        self.arguments.filter(|_| self.record.is_none_or(|r| r.kind == RecordType::Execve))
    }

    fn plain(&self, name: &str) -> Value<'a> {
        if let Some((_, s)) = self.own_syscall()
            && let Some(raw) = match name {
                "exe" => s.exe,
                "comm" => s.comm,
                _ => None,
            }
        {
            return self.decoder.value(name.as_bytes(), raw);
        }
        self.find(|_| true, name.as_bytes())
    }

    /// A field that an EXECVE record has another meaning for.
    fn number(&self, name: &str) -> Value<'a> {
        self.find(|r| r.kind != RecordType::Execve, name.as_bytes())
    }

    fn plain_of(&self, kind: RecordType, name: &[u8]) -> Value<'a> {
        self.find(|r| r.kind == kind, name)
    }

    fn find(&self, of: impl Fn(&Record) -> bool, name: &[u8]) -> Value<'a> {
        for record in self.records().filter(|r| of(r)) {
            let body = self.group.body(record);
            if let Some(raw) = Fields::find(body, name) {
                return self.decoder.value(name, raw);
            }
        }
        Value::Missing
    }

    /// A name for a number: from the enrichment, else from what is known here, else missing.
    fn enriched(&self, name: &str) -> Value<'a> {
        for record in self.records() {
            let added = self.group.added(record);
            if let Some(raw) = (!added.is_empty()).then(|| Fields::find_exact(added, name.as_bytes())).flatten() {
                return self.decoder.value(b"", raw);
            }
        }
        let names = self.own_syscall().map(|(_, s)| s.names());
        let known = match name {
            "SYSCALL" => names.and_then(|n| n.0),
            "ARCH" => names.and_then(|n| n.1),
            "AUID" | "UID" | "EUID" | "SUID" | "FSUID" | "OUID" | "OAUID" | "OLD-AUID" | "IUID" => {
                self.number_of(&name.to_ascii_lowercase()).and_then(|uid| self.users.name(uid))
            }
            _ => None,
        };
        known.map_or(Value::Missing, Value::text)
    }

    fn number_of(&self, name: &str) -> Option<u32> {
        match self.find(|_| true, name.as_bytes()) {
            Value::Text(text) => decimal(text.as_bytes()),
            _ => None,
        }
    }

    /// The name of `uid`.
    fn user(&self) -> Value<'a> {
        match self.enriched("UID") {
            Value::Text(name) if name.starts_with("unknown(") => {
                self.number_of("uid").and_then(|uid| self.users.name(uid)).map_or(Value::Missing, Value::text)
            }
            value => value,
        }
    }

    fn keys(&self) -> Value<'a> {
        for record in self.records() {
            let body = self.group.body(record);
            let Some(raw) = Fields::find(body, b"key") else { continue };
            let mut bytes = Vec::new();
            super::decode::append(raw, &mut bytes);
            if bytes.is_empty() {
                return Value::Missing;
            }
            let mut out = String::from("[");
            for (i, key) in self.decoder.utf8(&bytes).split('\u{1}').enumerate() {
                if i > 0 {
                    out.push(',');
                }
                json::string(key, &mut out);
            }
            out.push(']');
            return Value::Json(out.into());
        }
        Value::Missing
    }

    fn path_name(&self, item: usize) -> Value<'a> {
        for record in self.records().filter(|r| r.kind == RecordType::Path) {
            let body = self.group.body(record);
            let is_item = Fields::find(body, b"item").is_some_and(|v| decimal(v.bytes()) == u32::try_from(item).ok());
            if is_item {
                return Fields::find(body, b"name").map_or(Value::Missing, |raw| self.decoder.value(b"name", raw));
            }
        }
        Value::Missing
    }

    /// All fields as a JSON object: each name once, with the value that asking for it gives.
    fn fields(&self) -> String {
        let mut object = Object::new();
        object.put(b"type", &self.value(&Want::Type));
        if !self.node.is_empty() {
            object.put(b"node", &Value::text(self.node));
        }
        for record in self.records() {
            let (body, added) = (self.group.body(record), self.group.added(record));
            let arguments_known = self.own_arguments().is_some();
            for (name, raw) in flat(body) {
                if arguments_known && (record.kind == RecordType::Execve || arguments::piece(name).is_some()) {
                    continue;
                }
                object.put(name, &self.decoder.value(name, raw));
            }
            for (name, raw) in Fields::new(added) {
                object.put(name, &self.decoder.value(b"", raw));
            }
        }
        if let Some(arguments) = self.own_arguments() {
            object.put(b"argc", &self.value(&Want::Argc));
            for n in 0..arguments.len() {
                let bytes = arguments.get(n).unwrap_or_default();
                object.put(format!("a{n}").as_bytes(), &Value::Text(self.decoder.utf8(bytes)));
            }
        }
        object.end()
    }
}

impl<'a> Fields<'a> {
    /// The first field of exactly that name.
    fn find_exact(text: &'a [u8], name: &[u8]) -> Option<Raw<'a>> {
        Fields::new(text).find(|(n, _)| *n == name).map(|(_, v)| v)
    }
}

/// The fields of a body, those within `msg='…'` in its place.
pub(super) fn flat(body: &[u8]) -> impl Iterator<Item = (&[u8], Raw<'_>)> {
    Fields::new(body).flat_map(|(name, raw)| {
        let inner = if let Raw::Nested(inner) = raw { inner } else { b"" };
        let own = (!matches!(raw, Raw::Nested(_))).then_some((name, raw));
        own.into_iter().chain(Fields::new(inner))
    })
}
