//! The statements of a mapping, and mappings within texts.

use super::cursor::{Cursor, Parsed};

impl<'a> Cursor<'a> {
    /// A mapping: statements, or one value as shorthand for `root = value`.
    pub(super) fn mapping(&mut self) -> Parsed<()> {
        if self.may(Self::whole_import)?.is_some() {
            return Ok(());
        }
        self.at = 0;
        let statements = match self.statements() {
            Ok(()) => return Ok(()),
            Err(failure) if failure.is_final => return Err(failure),
            Err(failure) => failure,
        };
        self.at = 0;
        self.maps.clear();
        match self.whole_value() {
            Ok(()) => Ok(()),
            Err(value) if value.at > statements.at => Err(value),
            Err(_) => Err(statements),
        }
    }

    /// `from "file"` alone. The file is somewhere else.
    fn whole_import(&mut self) -> Parsed<()> {
        self.any_space();
        self.term("from")?;
        self.blanks()?;
        self.quoted_text()?;
        self.any_space();
        if self.is_at_end() {
            return Ok(());
        }
        Err(self.expected("the end of the mapping"))
    }

    fn statements(&mut self) -> Parsed<()> {
        self.any_space();
        self.statement()?;
        loop {
            self.any_blanks();
            if self.is_at_end() {
                return Ok(());
            }
            self.line_end()?;
            self.any_space();
            if self.is_at_end() {
                return Ok(());
            }
            self.statement()?;
        }
    }

    fn whole_value(&mut self) -> Parsed<()> {
        self.any_space();
        self.query()?;
        self.any_space();
        if self.is_at_end() {
            return Ok(());
        }
        Err(self.expected("the end of the mapping, because it begins with a value"))
    }

    fn statement(&mut self) -> Parsed<()> {
        self.one_of(&[
            Self::import,
            Self::map,
            Self::variable,
            Self::metadata,
            Self::assignment,
            Self::root_if,
        ])
    }

    fn statement_in_map(&mut self) -> Parsed<()> {
        self.one_of(&[
            Self::variable,
            |it| {
                let at = it.at;
                it.metadata()?;
                Err(it.wrong(at, "a map can't set metadata"))
            },
            Self::assignment,
            Self::root_if,
        ])
    }

    fn statement_in_if(&mut self) -> Parsed<()> {
        self.one_of(&[
            Self::variable,
            Self::metadata,
            Self::assignment,
            Self::root_if,
        ])
    }

    fn import(&mut self) -> Parsed<()> {
        self.term("import")?;
        self.blanks()?;
        self.must(Self::quoted_text)?;
        Ok(())
    }

    fn map(&mut self) -> Parsed<()> {
        let at = self.at;
        self.term("map")?;
        self.blanks()?;
        let name = self.must(Self::name_or_text)?;
        self.blanks()?;
        self.delimited(
            Self::begin_block,
            Self::statement_in_map,
            Self::next_line,
            Self::end_block,
        )?;
        if !self.maps.insert(name) {
            return Err(self.wrong(at, "there is a map of this name already"));
        }
        Ok(())
    }

    fn variable(&mut self) -> Parsed<()> {
        self.term("let")?;
        self.blanks()?;
        self.must(Self::name_or_text)?;
        self.blanks()?;
        self.term("=")?;
        self.blanks()?;
        self.query()?;
        Ok(())
    }

    fn metadata(&mut self) -> Parsed<()> {
        self.term("meta")?;
        self.blanks()?;
        self.may(Self::name_or_text)?;
        self.any_blanks();
        self.term("=")?;
        self.blanks()?;
        self.query()?;
        Ok(())
    }

    fn assignment(&mut self) -> Parsed<()> {
        self.name("an assignment, such as `root.name = value`")?;
        self.may(|it| {
            it.term(".")?;
            it.name_or_text()?;
            while it.may(|it| it.term("."))?.is_some() {
                it.name_or_text()?;
            }
            Ok(())
        })?;
        self.blanks()?;
        self.term("=")?;
        self.blanks()?;
        self.query()?;
        Ok(())
    }

    fn root_if(&mut self) -> Parsed<()> {
        self.conditional(Self::block_of_if)
    }

    fn block_of_if(&mut self) -> Parsed<()> {
        self.any_space();
        self.nested(|it| {
            it.delimited(
                Self::begin_block,
                Self::statement_in_if,
                Self::next_line,
                Self::end_block,
            )
        })?;
        Ok(())
    }

    pub(super) fn begin_block(&mut self) -> Parsed<()> {
        self.term("{")?;
        self.any_space();
        Ok(())
    }

    pub(super) fn end_block(&mut self) -> Parsed<()> {
        self.any_space();
        self.term("}")
    }

    fn next_line(&mut self) -> Parsed<()> {
        self.any_blanks();
        self.line_end()?;
        self.any_space();
        Ok(())
    }

    fn name_or_text(&mut self) -> Parsed<&'a str> {
        self.one_of(&[Self::quoted_text, |it| it.name("a name")])
    }

    /// A text with mappings in `${! … }`, and `${{! … }}` as text.
    pub(super) fn interpolated(&mut self) -> Parsed<()> {
        while let Some(place) = self.rest().find('$') {
            self.at += place;
            if self.term("${{!").is_ok() {
                let Some(end) = self.rest().find("}}") else {
                    return Err(self.wrong(self.at, "`}}` is missing"));
                };
                self.at += end + 2;
            } else if self.term("${!").is_ok() {
                self.any_blanks();
                self.must(Self::query)?;
                self.any_blanks();
                self.must(|it| it.term("}"))?;
            } else {
                self.at += 1;
            }
        }
        Ok(())
    }
}
