//! The keys that a mapping writes below `root`: in paths (`root.broker.inputs = …`) and in objects (`{"kafka": …}`).

use std::collections::BTreeMap;

use super::tokens::{Placed, Token, tokens};

/// Most keys of a mapping.
pub(crate) const MOST_KEYS: usize = 2000;
/// Longest path of a key.
const DEEPEST: usize = 64;
/// Most variables within variables.
const MOST_WITHIN: usize = 4;
/// Most parts that are read in variables.
const MOST_PARTS: usize = 50_000;

/// A key that a mapping writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenKey {
    /// Names from `root` on, its own last.
    pub(crate) path: Vec<String>,
    /// Offset of its name in the mapping.
    pub(crate) at: usize,
    /// Its value, if that is a text.
    pub(crate) value: Option<String>,
}

/// The keys that a mapping writes. What named maps of the mapping write is left out: their `root` is another one.
/// Beyond the limits, the second value is true.
pub(crate) fn written_keys(mapping: &str) -> (Vec<WrittenKey>, bool) {
    let tokens = tokens(mapping);
    let mut reader = Reader {
        tokens: &tokens,
        variables: BTreeMap::new(),
        keys: Vec::new(),
        within: 0,
        parts: 0,
        is_cut: false,
    };
    reader.statements();
    (reader.keys, reader.is_cut)
}

struct Reader<'a> {
    tokens: &'a [Placed<'a>],
    /// Where the expression of `let name = …` begins.
    variables: BTreeMap<&'a str, usize>,
    keys: Vec<WrittenKey>,
    /// Variables that are being read.
    within: usize,
    /// Parts that were read in variables.
    parts: usize,
    /// A limit was hit.
    is_cut: bool,
}

/// An open bracket.
struct Open {
    is_object: bool,
    /// Length of the path outside of it.
    outside: usize,
}

impl<'a> Reader<'a> {
    fn token(&self, index: usize) -> Option<Token<'a>> {
        self.tokens.get(index).map(|it| it.token)
    }

    fn statements(&mut self) {
        let mut at = 0;
        while let Some(token) = self.token(at) {
            at = match token {
                Token::Word("root") => self.assignment(at + 1),
                Token::Word("let") => self.variable(at + 1),
                Token::Word("map") => self.named_map(at + 1),
                Token::Word("if") => self.block(at + 1),
                Token::Word("else") | Token::LineEnd | Token::Sign('{' | '}' | ']' | ')') => at + 1,
                Token::Word(_) | Token::Quoted(_) | Token::Sign(_) => self.end_of(at),
            };
        }
    }

    /// `.name.name = …`
    fn assignment(&mut self, mut at: usize) -> usize {
        let mut path = Vec::new();
        while self.token(at) == Some(Token::Sign('.')) {
            let Some(Token::Word(name) | Token::Quoted(name)) = self.token(at + 1) else {
                break;
            };
            path.push(name.to_owned());
            self.key(&path, at + 1, at + 2);
            at += 2;
        }
        if !self.is_sign(at, '=') || self.is_sign(at + 1, '=') {
            return self.end_of(at);
        }
        self.expression(at + 1, path)
    }

    /// `name = …`
    fn variable(&mut self, at: usize) -> usize {
        if let Some(Token::Word(name)) = self.token(at)
            && self.is_sign(at + 1, '=')
        {
            self.variables.insert(name, at + 2);
        }
        self.end_of(at)
    }

    /// The beginning of the block after a condition.
    fn block(&self, mut at: usize) -> usize {
        while let Some(token) = self.token(at) {
            at += 1;
            if token == Token::Sign('{') && !self.begins_object(at) {
                break;
            }
        }
        at
    }

    /// `name { … }`
    fn named_map(&mut self, at: usize) -> usize {
        if self.is_sign(at + 1, '{') {
            return self.end_of(at + 1);
        }
        self.end_of(at)
    }

    /// The end of a statement: that of its block, or a line end outside of brackets, unless the next line goes on with a
    /// method.
    fn end_of(&self, mut at: usize) -> usize {
        let mut depth = 0_usize;
        while let Some(token) = self.token(at) {
            match token {
                Token::Sign('{' | '[' | '(') => depth += 1,
                Token::Sign('}' | ']' | ')') if depth == 0 => break,
                Token::Sign('}' | ']' | ')') => depth -= 1,
                Token::LineEnd if depth == 0 && !self.goes_on(at) => break,
                Token::LineEnd | Token::Sign(_) | Token::Word(_) | Token::Quoted(_) => {}
            }
            at += 1;
        }
        at
    }

    fn goes_on(&self, line_end: usize) -> bool {
        let rest = self.tokens.get(line_end..).unwrap_or_default();
        let next = rest.iter().find(|it| it.token != Token::LineEnd);
        next.is_some_and(|it| it.token == Token::Sign('.'))
    }

    /// Reads an expression whose value stands at this path; returns its end.
    fn expression(&mut self, mut at: usize, mut path: Vec<String>) -> usize {
        let mut open: Vec<Open> = Vec::new();
        while let Some(token) = self.token(at) {
            self.parts += usize::from(self.within > 0);
            if self.parts > MOST_PARTS {
                self.is_cut = true;
                return self.tokens.len();
            }
            match token {
                Token::Sign('{' | '[' | '(') => open.push(Open {
                    is_object: token == Token::Sign('{') && self.begins_object(at + 1),
                    outside: path.len(),
                }),
                Token::Sign('}' | ']' | ')') => match open.pop() {
                    Some(closed) => path.truncate(closed.outside),
                    None => return at,
                },
                Token::Sign(',') => {
                    if let Some(inner) = open.last().filter(|it| it.is_object) {
                        path.truncate(inner.outside);
                    }
                }
                Token::Sign('$') => {
                    if let Some(Token::Word(name)) = self.token(at + 1) {
                        self.use_of(name, &path);
                    }
                }
                Token::Quoted(name) => {
                    if let Some(inner) = open.last().filter(|it| it.is_object)
                        && self.is_sign(at + 1, ':')
                    {
                        path.truncate(inner.outside);
                        path.push(name.to_owned());
                        self.key(&path, at, at + 1);
                    }
                }
                Token::LineEnd if open.is_empty() && !self.goes_on(at) => return at,
                Token::LineEnd | Token::Sign(_) | Token::Word(_) => {}
            }
            at += 1;
        }
        at
    }

    /// The value of a variable stands here.
    fn use_of(&mut self, name: &str, path: &[String]) {
        if let Some(begin) = self.variables.get(name).copied()
            && self.within < MOST_WITHIN
            && path.len() < DEEPEST
        {
            self.within += 1;
            self.expression(begin, path.to_vec());
            self.within -= 1;
        }
    }

    fn begins_object(&self, at: usize) -> bool {
        let rest = self.tokens.get(at..).unwrap_or_default();
        let mut rest = rest.iter().filter(|it| it.token != Token::LineEnd);
        let (key, colon) = (rest.next(), rest.next());
        key.is_some_and(|it| matches!(it.token, Token::Quoted(_)))
            && colon.is_some_and(|it| it.token == Token::Sign(':'))
    }

    fn is_sign(&self, at: usize, sign: char) -> bool {
        self.token(at) == Some(Token::Sign(sign))
    }

    /// Notes a key, after which `=` or `:` may come at `next`.
    fn key(&mut self, path: &[String], at: usize, next: usize) {
        if self.keys.len() >= MOST_KEYS || path.len() > DEEPEST {
            self.is_cut = true;
            return;
        }
        let is_set = self.is_sign(next, ':') || self.is_sign(next, '=');
        let value = match self.token(next + 1) {
            Some(Token::Quoted(text)) => is_set.then(|| text.to_owned()),
            Some(Token::Word(_) | Token::Sign(_) | Token::LineEnd) | None => None,
        };
        self.keys.push(WrittenKey {
            path: path.to_vec(),
            at: self.tokens[at].at,
            value,
        });
    }
}

#[cfg(test)]
mod tests;
