// What an engine can take, known before it is opened: a plan refuses what an engine would refuse, with the same numbers,
// because engines and plans ask the same function.
//
//   parameters ┐
//   memory     ├─▶ EngineDescriptor.limits ─┬─▶ plan: refusals with key path, limit and reason
//   unit       ┘                            └─▶ open: `Engine.limits`       (the conformance suite compares them)

/// What an engine's limits may depend on.
public struct EngineSetting: Sendable {
  /// Complete and within their ranges.
  public var parameters: ParameterSet
  /// What the engine may hold, in bytes.
  public var memoryBudgetByteCount: Int
  /// The device's transfer unit, in bytes.
  public var transferUnitByteCount: Int
  /// The device's address space, in bytes.
  public var capacityByteCount: UInt64
  /// Every how many commits one is synced: 0 never, 1 each, n every n-th.
  public var syncEveryCommits: Int

  /// A setting.
  public init(
    parameters: ParameterSet, memoryBudgetByteCount: Int, transferUnitByteCount: Int,
    capacityByteCount: UInt64, syncEveryCommits: Int
  ) {
    self.parameters = parameters
    self.memoryBudgetByteCount = memoryBudgetByteCount
    self.transferUnitByteCount = transferUnitByteCount
    self.capacityByteCount = capacityByteCount
    self.syncEveryCommits = syncEveryCommits
  }
}

/// An engine's limits under one setting, and why they are what they are.
public struct DeclaredLimits: Equatable, Sendable {
  /// What the opened engine will say.
  public var limits: EngineLimits
  /// Where the longest key comes from, a clause: "a quarter of a block of 4096 bytes".
  public var keyReason: String
  /// Where the longest value comes from, a clause.
  public var valueReason: String

  /// Limits with their reasons.
  public init(_ limits: EngineLimits, keyReason: String, valueReason: String) {
    self.limits = limits
    self.keyReason = keyReason
    self.valueReason = valueReason
  }
}

/// An engine's limits as a function of its setting. Pure: it opens nothing and reserves nothing.
///
/// - Throws: `.invalidParameters` for a setting that opening would refuse; the sentence names the parameter and the numbers.
public typealias LimitRule = @Sendable (_ setting: EngineSetting) throws(EngineError) -> DeclaredLimits
