// Transforms of an axis: what turns a law into a straight line.
//
// They use the deterministic logarithms of Primitives, so that slopes have the same bits everywhere.

import Primitives

/// How numbers are transformed before a line is laid through them, or an axis is drawn.
public enum AxisTransform: String, CaseIterable, Codable, Sendable {
  /// As they are.
  case linear
  /// Natural, base-2 and base-10 logarithms.
  case ln, log2, log10
  /// 1 ÷ x.
  case reciprocal

  /// The transformed number, nil where there is none.
  public func apply(_ value: Double) -> Double? {
    switch self {
    case .linear: value
    case .ln: value > 0 ? DeterministicMath.ln(value) : nil
    case .log2: value > 0 ? DeterministicMath.log2(value) : nil
    case .log10: value > 0 ? DeterministicMath.ln(value) / DeterministicMath.ln(10) : nil
    case .reciprocal: value == 0 ? nil : 1 / value
    }
  }

  /// The inverse of `apply`.
  public func undo(_ value: Double) -> Double {
    switch self {
    case .linear: value
    case .ln: DeterministicMath.exp(value)
    case .log2: DeterministicMath.exp2(value)
    case .log10: DeterministicMath.exp(value * DeterministicMath.ln(10))
    case .reciprocal: 1 / value
    }
  }
}
