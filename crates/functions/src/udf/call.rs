//! From DataFusion's call to a body, and back.

use super::compile::{Compiler, Consts};
use super::recent::{alike, answers, repeated};
use super::row::Column;
use super::{Body, Row, Signature};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Decimal128Builder, Float64Builder, Int32Builder, Int64Builder,
    StringViewBuilder, UInt32Array, new_null_array,
};
use arrow::compute::{cast, concat, interleave, take};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature as Accepts, TypeSignature, Volatility,
};
use parallax_telemetry::ColumnType;
use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

#[derive(Clone)]
enum Made {
    Ready(Body),
    Compiler(Compiler),
    Compiled(Compiler, Consts, Body),
}

/// A scalar function of a language.
#[derive(Clone)]
pub struct Function {
    signature: Signature,
    accepts: Accepts,
    made: Made,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("signature", &self.signature).field("constants", &self.constants()).finish()
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.signature == other.signature && self.constants() == other.constants()
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.signature.hash(state);
        self.constants().hash(state);
    }
}

impl Function {
    fn with(signature: Signature, made: Made) -> Self {
        let accepts = TypeSignature::OneOf(vec![TypeSignature::Nullary, TypeSignature::VariadicAny]);
        Function { signature, accepts: Accepts::new(accepts, Volatility::Immutable), made }
    }

    pub(super) fn new(signature: Signature, body: Body) -> Self {
        Self::with(signature, Made::Ready(body))
    }

    pub(super) fn compiled(signature: Signature, at: &'static [usize], make: fn(&Consts) -> Result<Body>) -> Self {
        Self::with(signature, Made::Compiler(Compiler::new(at, make)))
    }

    /// The same function, to be computed once where the plan computes it: an optimiser otherwise repeats the call
    /// wherever its result is looked at, in a filter and again in what is shown.
    pub(super) fn once(mut self) -> Self {
        // What the planner copies to no second place is what may answer differently there.
        self.accepts.volatility = Volatility::Volatile;
        self
    }

    /// The declared name, parameters and result.
    pub fn declared(&self) -> &Signature {
        &self.signature
    }

    fn constants(&self) -> Option<&Consts> {
        match &self.made {
            Made::Compiled(_, c, _) => Some(c),
            _ => None,
        }
    }

    /// Brings an argument to the physical type that is declared for it.
    fn coerce(&self, i: usize, array: ArrayRef) -> Result<ArrayRef> {
        let wanted = self.signature.param(i).and_then(|p| p.ty.arrow());
        let have = array.data_type();
        let wanted = match (wanted, have) {
            (Some(w), _) => w,
            (None, DataType::Utf8 | DataType::LargeUtf8) => DataType::Utf8View,
            (None, DataType::Dictionary(_, v)) => match v.as_ref() {
                DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
                v => v.clone(),
            },
            (None, have) => have.clone(),
        };
        // A decimal is read by its own scale.
        let decimals = matches!((have, &wanted), (DataType::Decimal128(..), DataType::Decimal128(..)));
        if *have == wanted || decimals {
            return Ok(array);
        }
        if *have == DataType::Null {
            return Ok(new_null_array(&wanted, array.len()));
        }
        let widens = matches!(
            (have, &wanted),
            (DataType::Int32, DataType::Int64 | DataType::Float64)
                | (DataType::Int64, DataType::Float64)
                | (DataType::Int32 | DataType::Int64, DataType::Decimal128(_, _))
                | (DataType::Utf8 | DataType::LargeUtf8 | DataType::Dictionary(_, _), _)
        );
        if widens {
            return Ok(cast(&array, &wanted)?);
        }
        exec_err!("{} takes {wanted} as argument {}, not {have}", self.signature.name, i + 1)
    }

    fn body_for(&self, args: &[ArrayRef], constant: &[bool]) -> Result<Option<Body>> {
        let compiler = match &self.made {
            Made::Ready(body) => return Ok(Some(body.clone())),
            Made::Compiler(c) | Made::Compiled(c, _, _) => c,
        };
        let scalars = (0..args.len())
            .map(|i| match constant[i] && compiler.at.contains(&i) {
                true => ScalarValue::try_from_array(&args[i], 0).map(Some),
                false => Ok(None),
            })
            .collect::<Result<Vec<_>>>()?;
        let Some(consts) = compiler.consts(args.len(), |i| scalars[i].as_ref()) else { return Ok(None) };
        match &self.made {
            Made::Compiled(_, c, body) if *c == consts => Ok(Some(body.clone())),
            _ => compiler.body(&consts).map(Some),
        }
    }

    /// Each row by the body that its own arguments compile to.
    fn by_row(&self, compiler: &Compiler, args: &[ArrayRef], constant: &[bool], rows: usize) -> Result<ArrayRef> {
        let mut groups: HashMap<Consts, Vec<u32>> = HashMap::new();
        for row in 0..rows {
            let scalars = (0..args.len())
                .map(|i| match compiler.at.contains(&i) {
                    true => ScalarValue::try_from_array(&args[i], if constant[i] { 0 } else { row }).map(Some),
                    false => Ok(None),
                })
                .collect::<Result<Vec<_>>>()?;
            let Some(consts) = compiler.consts(args.len(), |i| scalars[i].as_ref()) else { continue };
            groups.entry(consts).or_default().push(row as u32);
        }
        let mut parts: Vec<ArrayRef> = Vec::with_capacity(groups.len());
        let mut place = vec![(0, 0); rows];
        for (consts, members) in groups {
            let body = (compiler.make)(&consts)?;
            for (i, &row) in members.iter().enumerate() {
                place[row as usize] = (parts.len(), i);
            }
            let n = members.len();
            let members = UInt32Array::from(members);
            let taken = (args.iter().zip(constant))
                .map(|(a, &c)| if c { Ok(Arc::clone(a)) } else { Ok(arrow::compute::take(a, &members, None)?) })
                .collect::<Result<Vec<_>>>()?;
            parts.push(self.run(&body, &taken, constant, n)?);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(interleave(&parts, &place)?)
    }

    /// As [`Function::run`], but a text that a column repeats is looked at once.
    fn run_once_a_text(&self, body: &Body, args: &[ArrayRef], constant: &[bool], rows: usize) -> Result<ArrayRef> {
        let mut columns = (0..args.len()).filter(|i| !constant[*i]);
        let (Some(only), None, false) = (columns.next(), columns.next(), matches!(body, Body::Arrays(_))) else {
            return self.run(body, args, constant, rows);
        };
        if let (Body::Bool(f), Some(texts)) = (body, args[only].as_string_view_opt()) {
            let columns = args.iter().zip(constant).map(|(a, &c)| Column::new(a, c)).collect::<Result<Vec<_>>>()?;
            return match answers(texts, |at| f(&Row { columns: &columns, at })) {
                Some(answers) => Ok(Arc::new(answers)),
                None => self.run(body, args, constant, rows),
            };
        }
        // A text is written anew for each row; that costs more than to see that it was written before.
        let texts = || if matches!(body, Body::Text(_)) { alike(&args[only]) } else { None };
        let Some((first, which)) = repeated(&args[only]).or_else(texts) else {
            return self.run(body, args, constant, rows);
        };
        let mut args = args.to_vec();
        args[only] = take(&args[only], &first, None)?;
        Ok(take(&self.run(body, &args, constant, first.len())?, &which, None)?)
    }

    fn run(&self, body: &Body, args: &[ArrayRef], constant: &[bool], rows: usize) -> Result<ArrayRef> {
        let columns = args.iter().zip(constant).map(|(a, &c)| Column::new(a, c)).collect::<Result<Vec<_>>>()?;
        let each = (0..rows).map(|at| Row { columns: &columns, at });
        Ok(match body {
            Body::Arrays(f) => return f(args, rows),
            Body::Bool(f) => {
                let mut b = BooleanBuilder::with_capacity(rows);
                each.for_each(|r| b.append_option(f(&r)));
                Arc::new(b.finish())
            }
            Body::Int(f) => {
                let mut b = Int32Builder::with_capacity(rows);
                each.for_each(|r| b.append_option(f(&r)));
                Arc::new(b.finish())
            }
            Body::Long(f) => {
                let mut b = Int64Builder::with_capacity(rows);
                each.for_each(|r| b.append_option(f(&r)));
                Arc::new(b.finish())
            }
            Body::Real(f) => {
                let mut b = Float64Builder::with_capacity(rows);
                each.for_each(|r| b.append_option(f(&r)));
                Arc::new(b.finish())
            }
            Body::Decimal(f) => {
                let mut b = Decimal128Builder::with_capacity(rows).with_data_type(self.signature.arrow());
                each.for_each(|r| b.append_option(f(&r)));
                Arc::new(b.finish())
            }
            Body::Text(f) => {
                let never_null = self.signature.returns == ColumnType::String;
                let mut b = StringViewBuilder::with_capacity(rows);
                let mut buffer = String::new();
                for r in each {
                    buffer.clear();
                    match f(&r, &mut buffer) {
                        Some(()) => b.append_value(&buffer),
                        None if never_null => b.append_value(""),
                        None => b.append_null(),
                    }
                }
                Arc::new(b.finish())
            }
        })
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        &self.signature.name
    }

    fn signature(&self) -> &Accepts {
        &self.accepts
    }

    fn return_type(&self, args: &[DataType]) -> Result<DataType> {
        if !self.signature.accepts(args.len()) {
            return plan_err!("{} does not take {} arguments", self.signature.name, args.len());
        }
        Ok(self.signature.arrow())
    }

    fn simplify(&self, args: Vec<Expr>, _info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        let Made::Compiler(compiler) = &self.made else { return Ok(ExprSimplifyResult::Original(args)) };
        let literal = |i: usize| match &args[i] {
            Expr::Literal(v, _) => Some(v),
            _ => None,
        };
        let Some(consts) = compiler.consts(args.len(), literal) else { return Ok(ExprSimplifyResult::Original(args)) };
        let body = compiler.body(&consts)?;
        let made = Made::Compiled(compiler.clone(), consts, body);
        let prepared = Function { made, ..self.clone() };
        let call = ScalarFunction::new_udf(Arc::new(ScalarUDF::from(prepared)), args);
        Ok(ExprSimplifyResult::Simplified(Expr::ScalarFunction(call)))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant: Vec<bool> = call.args.iter().map(|a| matches!(a, ColumnarValue::Scalar(_))).collect();
        let all_constant = constant.iter().all(|&c| c);
        let rows = if all_constant { 1 } else { call.number_rows };
        let args = (call.args.into_iter().enumerate())
            .map(|(i, a)| {
                let array = match a {
                    ColumnarValue::Array(a) => a,
                    ColumnarValue::Scalar(s) => s.to_array()?,
                };
                self.coerce(i, array)
            })
            .collect::<Result<Vec<_>>>()?;
        let out = match (self.body_for(&args, &constant)?, &self.made) {
            (Some(body), _) => self.run_once_a_text(&body, &args, &constant, rows)?,
            (None, Made::Compiler(c) | Made::Compiled(c, _, _)) if rows > 0 => {
                self.by_row(c, &args, &constant, rows)?
            }
            (None, _) => new_null_array(&self.signature.arrow(), rows),
        };
        // A body over whole columns may answer once for constants only.
        let out = if out.len() == rows { out } else { repeat(&out, rows)? };
        match all_constant {
            true => Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&out, 0)?)),
            false => Ok(ColumnarValue::Array(out)),
        }
    }
}

fn repeat(one: &ArrayRef, rows: usize) -> Result<ArrayRef> {
    if one.len() != 1 {
        return exec_err!("a function answered {} rows for {rows}", one.len());
    }
    Ok(concat(&vec![one.as_ref(); rows])?)
}
