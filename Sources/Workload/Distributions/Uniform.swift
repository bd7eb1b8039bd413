// Every key equally often, and every key in turn.

import KeyValue
import Primitives

/// Every existing index equally often. 1 draw.
///
/// Multiply-shift without rejection: a share differs from 1 / population by less than 2⁻⁶⁴.
public struct UniformDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "uniform", summary: "Every key put so far equally often."
  ) { _, _ throws(WorkloadError) in UniformDistribution() }

  /// The distribution.
  public init() {}

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    for position in draws.indices {
      let ordinal = draws[position].ordinal
      draws[position].index =
        random.draw(ordinal).multipliedFullWidth(by: draws[position].population).high
    }
  }
}

/// Index after index, beginning again after the newest: operation i takes index i mod population.
public struct SequentialDistribution: IndexDistribution {
  static let descriptor = DistributionDescriptor(
    name: "sequential",
    summary: "Index after index, beginning again after the last; the order of keys for key_shape sequential."
  ) { _, _ throws(WorkloadError) in SequentialDistribution() }

  /// The distribution.
  public init() {}

  /// Fills in `index` of every draw.
  public func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom) {
    for position in draws.indices {
      draws[position].index = draws[position].ordinal % draws[position].population
    }
  }
}
