//! Prepares a parsed template: unknown functions are refused, and every step is counted and placed.
use super::{Error, functions};
use gotmpl::parse::{
    ActionNode, CommandNode, Expr, ListNode, Node, Number, PipeNode, Pos, TextNode,
};

/// Called before every node with its line and whether it is text. No file can name it.
pub(super) const STEP: &str = "\nstep";
/// Called at the end of every pipeline with its result. No file can name it.
pub(super) const LIMIT: &str = "\nlimit";

pub(super) struct Instrument<'a> {
    source: &'a str,
    /// Offsets at which lines begin.
    line_starts: Vec<usize>,
}

impl<'a> Instrument<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let breaks = source.match_indices('\n').map(|(offset, _)| offset + 1);
        Self { source, line_starts: std::iter::once(0).chain(breaks).collect() }
    }

    pub(super) fn list(&mut self, list: &mut ListNode) -> Result<(), Error> {
        let nodes = std::mem::take(&mut list.nodes);
        list.nodes.reserve(nodes.len() * 2);
        for mut node in nodes {
            let step = self.node(&mut node)?;
            list.nodes.extend(step);
            list.nodes.push(node);
        }
        Ok(())
    }

    /// The call that announces the node.
    fn node(&mut self, node: &mut Node) -> Result<Option<Node>, Error> {
        match node {
            Node::List(list) => {
                self.list(list)?;
                Ok(None)
            }
            Node::Define(define) => {
                self.list(&mut define.body)?;
                Ok(None)
            }
            Node::Text(text) => Ok(Some(step(text.pos, self.line_of(text), true))),
            Node::Action(action) => {
                self.pipe(&mut action.pipe)?;
                Ok(Some(step(action.pos, action.pos.line, false)))
            }
            Node::If(branch) | Node::Range(branch) | Node::With(branch) => {
                self.pipe(&mut branch.pipe)?;
                self.list(&mut branch.body)?;
                if let Some(body) = &mut branch.else_body {
                    self.list(body)?;
                }
                Ok(Some(step(branch.pos, branch.pos.line, false)))
            }
            Node::Template(call) => {
                if let Some(pipe) = &mut call.pipe {
                    self.pipe(pipe)?;
                }
                Ok(Some(step(call.pos, call.pos.line, false)))
            }
            Node::Break(pos) | Node::Continue(pos) => Ok(Some(step(*pos, pos.line, false))),
        }
    }

    fn pipe(&mut self, pipe: &mut PipeNode) -> Result<(), Error> {
        for command in &mut pipe.commands {
            for arg in &mut command.args {
                self.expr(arg)?;
            }
        }
        let limit = Expr::Identifier(pipe.pos, LIMIT.into());
        pipe.commands.push(CommandNode { pos: pipe.pos, args: vec![limit] });
        Ok(())
    }

    fn expr(&mut self, expr: &mut Expr) -> Result<(), Error> {
        match expr {
            Expr::Identifier(pos, name) if !functions::is_known(name) => Err(Error {
                line: line(pos.line),
                message: format!("template: unknown function \"{name}\""),
            }),
            Expr::Pipe(_, pipe) => self.pipe(pipe),
            Expr::Chain(_, inner, _) => self.expr(inner),
            Expr::Identifier(..)
            | Expr::Dot(_)
            | Expr::Field(..)
            | Expr::Variable(..)
            | Expr::String(..)
            | Expr::Number(..)
            | Expr::Bool(..)
            | Expr::Nil(_) => Ok(()),
        }
    }

    /// The line on which a text begins, after what `-}}` cut off.
    fn line_of(&self, text: &TextNode) -> usize {
        let from_here = self.source.get(text.pos.offset..).unwrap_or_default();
        let cut = from_here.find(&*text.text).unwrap_or(0);
        self.line_starts.partition_point(|start| *start <= text.pos.offset + cut)
    }
}

fn step(pos: Pos, at: usize, in_text: bool) -> Node {
    let args = vec![
        Expr::Identifier(pos, STEP.into()),
        Expr::Number(pos, Number::Int(i64::from(line(at)))),
        Expr::Bool(pos, in_text),
    ];
    let commands = vec![CommandNode { pos, args }];
    Node::Action(ActionNode {
        pos,
        pipe: PipeNode { pos, decl: Vec::new(), commands, is_assign: false },
    })
}

fn line(line: usize) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}
