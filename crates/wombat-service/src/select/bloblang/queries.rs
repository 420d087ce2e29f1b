//! Values: literals, paths, calls, and what is made of them.

use wombat_model::catalog::ComponentKind;

use super::cursor::{Cursor, Parsed};

/// What is known of a value before a message comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Query {
    Number,
    Text,
    Boolean,
    Null,
    Array,
    Object,
    /// A function of a name before `->`.
    Lambda,
    /// A message decides.
    Open,
}

/// Operators. Of those that begin alike, the longer one comes first.
const OPERATORS: [&str; 14] = [
    "+", "-", "/", "*", "%", "&&", "||", "==", "!=", ">=", "<=", ">", "<", "|",
];

impl Cursor<'_> {
    /// A value.
    pub(super) fn query(&mut self) -> Parsed<Query> {
        self.nested(|it| {
            it.any_blanks();
            let first = it.operand()?;
            let mut is_alone = true;
            while it.may(Self::operator)?.is_some() {
                it.operand()?;
                is_alone = false;
            }
            Ok(if is_alone { first } else { Query::Open })
        })
    }

    fn operator(&mut self) -> Parsed<()> {
        self.any_blanks();
        let found = OPERATORS.iter().find(|it| self.rest().starts_with(**it));
        let length = found.ok_or_else(|| self.expected("an operator"))?.len();
        self.at += length;
        self.any_space();
        Ok(())
    }

    fn operand(&mut self) -> Parsed<Query> {
        let at = self.at;
        let is_negative = self.term("-").is_ok();
        if is_negative {
            self.any_space();
        }
        let value = self.with_tails()?;
        match value {
            _ if !is_negative => Ok(value),
            Query::Number | Query::Open | Query::Lambda => Ok(value),
            Query::Text | Query::Boolean | Query::Null | Query::Array | Query::Object => {
                Err(self.wrong(at, "only numbers can be negative"))
            }
        }
    }

    /// A value, and the methods and fields after it.
    fn with_tails(&mut self) -> Parsed<Query> {
        let mut value = match self.may(|it| it.term("!"))? {
            Some(()) => {
                self.any_blanks();
                self.root()?;
                Query::Open
            }
            None => self.root()?,
        };
        while self.may(|it| it.term("."))?.is_some() {
            self.any_space();
            self.must(|it| it.one_of(&[Self::mapped, Self::method, Self::field]))?;
            value = Query::Open;
        }
        Ok(value)
    }

    fn root(&mut self) -> Parsed<Query> {
        self.one_of(&[
            Self::match_value,
            Self::if_value,
            Self::lambda,
            Self::bracketed,
            Self::literal,
            Self::function,
            Self::metadata_value,
            Self::variable_value,
            |it| it.name("a value").map(|_| Query::Open),
        ])
    }

    fn lambda(&mut self) -> Parsed<Query> {
        let at = self.at;
        let name = self.name("a name")?;
        self.blanks()?;
        self.term("->")?;
        self.blanks()?;
        if self.names.contains(&name) && name != "_" {
            return Err(self.wrong(
                at,
                "this name before `->` is in use around it; choose another",
            ));
        }
        if matches!(name, "root" | "this") {
            return Err(self.wrong(at, "`root` and `this` can't be names before `->`"));
        }
        if name != "_" {
            self.names.push(name);
        }
        let value = self.must(Self::query);
        if name != "_" {
            self.names.pop();
        }
        match value? {
            Query::Lambda => Err(self.wrong(at, "one `->` can't follow another")),
            _ => Ok(Query::Lambda),
        }
    }

    fn bracketed(&mut self) -> Parsed<Query> {
        self.term("(")?;
        self.any_space();
        let value = self.query()?;
        self.any_space();
        self.must(|it| it.term(")"))?;
        Ok(value)
    }

    fn literal(&mut self) -> Parsed<Query> {
        self.one_of(&[
            |it| it.term("true").map(|()| Query::Boolean),
            |it| it.term("false").map(|()| Query::Boolean),
            |it| it.number().map(|()| Query::Number),
            |it| it.raw_text().map(|()| Query::Text),
            |it| it.quoted_text().map(|_| Query::Text),
            |it| it.term("null").map(|()| Query::Null),
            Self::array,
            Self::object,
        ])
    }

    fn array(&mut self) -> Parsed<Query> {
        let items = self.delimited(
            |it| {
                it.term("[")?;
                it.any_space();
                Ok(())
            },
            Self::query,
            Self::comma,
            |it| {
                it.any_space();
                it.term("]")
            },
        )?;
        let is_literal = items
            .iter()
            .all(|it| !matches!(it, Query::Open | Query::Lambda));
        Ok(if is_literal {
            Query::Array
        } else {
            Query::Open
        })
    }

    fn object(&mut self) -> Parsed<Query> {
        let items = self.delimited(
            Self::begin_block,
            Self::member,
            Self::comma,
            Self::end_block,
        )?;
        let is_literal = items.iter().all(|it| *it);
        Ok(if is_literal {
            Query::Object
        } else {
            Query::Open
        })
    }

    /// A key and its value; whether both are literals.
    fn member(&mut self) -> Parsed<bool> {
        let at = self.at;
        let key = match self.may(Self::quoted_text)? {
            Some(_) => Query::Text,
            None => self.query()?,
        };
        self.any_blanks();
        self.term(":")?;
        self.any_space();
        let value = self.query()?;
        match key {
            Query::Text => Ok(!matches!(value, Query::Open | Query::Lambda)),
            Query::Open | Query::Lambda => Ok(false),
            Query::Number | Query::Boolean | Query::Null | Query::Array | Query::Object => {
                Err(self.wrong(at, "the keys of an object are texts"))
            }
        }
    }

    pub(super) fn comma(&mut self) -> Parsed<()> {
        self.any_blanks();
        self.term(",")?;
        self.any_space();
        Ok(())
    }

    fn function(&mut self) -> Parsed<Query> {
        let at = self.at;
        let name = self.small_name("a function")?;
        self.call(ComponentKind::BloblangFunction, name, at)
    }

    fn method(&mut self) -> Parsed<Query> {
        let at = self.at;
        let name = self.small_name("a method")?;
        self.call(ComponentKind::BloblangMethod, name, at)
    }

    /// `.(value)`: the value with another `this`.
    fn mapped(&mut self) -> Parsed<Query> {
        self.term("(")?;
        self.any_space();
        self.query()?;
        self.any_space();
        self.term(")")?;
        Ok(Query::Open)
    }

    fn field(&mut self) -> Parsed<Query> {
        self.one_of(&[|it| it.name("a field"), Self::quoted_text])?;
        Ok(Query::Open)
    }

    fn metadata_value(&mut self) -> Parsed<Query> {
        self.term("@")?;
        self.may(|it| it.one_of(&[|it| it.name("a name"), Self::quoted_text]))?;
        Ok(Query::Open)
    }

    fn variable_value(&mut self) -> Parsed<Query> {
        self.term("$")?;
        self.name("the name of a variable")?;
        Ok(Query::Open)
    }
}
