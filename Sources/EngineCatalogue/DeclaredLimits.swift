// What an engine of the catalogue declares for the place it would be opened in.

import KeyValue
import Storage

extension EngineEntry {
  /// The limits the engine declares for this place; nil when it declares none.
  ///
  /// - Throws: `.invalidParameters` when it would not open there.
  public func declaredLimits(
    _ environment: EngineEnvironment, _ parameters: ParameterSet
  ) throws(EngineError) -> DeclaredLimits? {
    guard let rule = descriptor.limits else { return nil }
    let device = environment.channel.device
    return try rule(
      EngineSetting(
        parameters: parameters, memoryBudgetByteCount: environment.budget.limitByteCount,
        transferUnitByteCount: device.transferUnitByteCount, capacityByteCount: device.capacityByteCount,
        syncEveryCommits: environment.syncEveryCommits))
  }
}
