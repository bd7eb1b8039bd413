// Which existing key an operation takes: distributions over key indices as pure functions of (seed, stream, ordinal,
// population). They are drawn in blocks, so one dynamic call serves hundreds of operations.
//
//   operation stream ──block of IndexDraw(ordinal, population)──▶ IndexDistribution.resolve ──▶ index in each
//                                                                     │ CounterRandom.draw(ordinal, sub)
//
// Invariants
// 1. `index` depends on (random, ordinal, population) and on what the distribution was made with; never on the block a
//    draw came in, nor on draws before it.
// 2. `index < population`.
// 3. Which keys are hot depends on the seed and the initial population only: all phases that begin with the same number
//    of keys share their hot keys, so warming one serves the next.
//
// Adding a distribution: one file with the type and its entry, one line in `distributionCatalogue`.

import KeyValue
import Primitives

/// One choice to be made.
public struct IndexDraw: Sendable {
  /// The operation's place in its phase, from 0.
  public var ordinal: UInt64
  /// How many indices have been put when the operation happens; at least 1.
  public var population: UInt64
  /// The answer.
  public var index: UInt64

  /// A choice not yet made.
  public init(ordinal: UInt64, population: UInt64) {
    self.ordinal = ordinal
    self.population = population
    index = 0
  }
}

/// A distribution over key indices.
public protocol IndexDistribution: Sendable {
  /// Fills in `index` of every draw.
  func resolve(_ draws: inout MutableSpan<IndexDraw>, random: CounterRandom)
}

extension IndexDistribution {
  /// One index; the same as in any block.
  public func index(random: CounterRandom, ordinal: UInt64, population: UInt64) -> UInt64 {
    var draws: ContiguousArray = [IndexDraw(ordinal: ordinal, population: population)]
    var span = draws.mutableSpan
    resolve(&span, random: random)
    return draws[0].index
  }
}

/// What a distribution is made for.
public struct DistributionContext: Sendable {
  /// The number of indices when the phase begins, at least 1.
  public var population: UInt64
  /// The run's seed, for choosing which keys are hot.
  public var seed: UInt64

  /// A context.
  public init(population: UInt64, seed: UInt64) {
    precondition(population > 0, "A distribution over keys needs at least one key.")
    self.population = population
    self.seed = seed
  }

  /// Which key has which rank: a permutation of the initial population, the same in every phase.
  public var hotKeys: Permutation {
    Permutation(
      count: population, seed: CounterRandom(seed: seed, stream: StreamNumber.hotKeys).draw(0))
  }
}

/// A distribution as the catalogue knows it.
public struct DistributionDescriptor: Sendable {
  /// The word in a study.
  public var name: String
  /// One sentence.
  public var summary: String
  /// What it takes besides the phase's own parameters; equal names mean equal descriptors throughout the catalogue.
  public var parameters: [ParameterDescriptor]
  /// Makes the distribution; the parameters are complete and within their ranges.
  public var make:
    @Sendable (ParameterSet, DistributionContext) throws(WorkloadError) -> any IndexDistribution

  /// An entry.
  public init(
    name: String, summary: String, parameters: [ParameterDescriptor] = [],
    make:
      @escaping @Sendable (ParameterSet, DistributionContext) throws(WorkloadError)
      -> any IndexDistribution
  ) {
    self.name = name
    self.summary = summary
    self.parameters = parameters
    self.make = make
  }
}

/// Every distribution over keys that a phase can name.
public let distributionCatalogue: [DistributionDescriptor] = [
  UniformDistribution.descriptor,
  SequentialDistribution.descriptor,
  ZipfDistribution.descriptor,
  LatestDistribution.descriptor,
  YCSBZipfianDistribution.descriptor,
  HotspotDistribution.descriptor,
  ExponentialDistribution.descriptor,
]

/// The distribution of this name.
public func distribution(named name: String) throws(WorkloadError) -> DistributionDescriptor {
  if let found = distributionCatalogue.first(where: { $0.name == name }) { return found }
  let known = distributionCatalogue.map(\.name).joined(separator: ", ")
  throw WorkloadError(parameter: "distribution", reason: "'\(name)' is none of \(known)")
}
