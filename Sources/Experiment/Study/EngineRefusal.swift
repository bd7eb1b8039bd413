// What an engine itself would refuse, asked before it is opened: parameters that do not go together, keys and values
// that are too long. The same function decides when the engine is opened.

import KeyValue

enum EngineRefusal {
  /// The engine's limits in `run`, nil when it declares none or cannot be opened so, and why the run cannot be.
  static func reasons(
    _ run: RunSpec, _ vocabulary: StudyVocabulary
  ) -> (limits: EngineLimits?, reasons: [String]) {
    guard let descriptor = vocabulary.engine(run.engine), descriptor.absentBecause == nil,
      let rule = descriptor.limits
    else { return (nil, []) }
    let declared: DeclaredLimits
    do throws(EngineError) {
      declared = try rule(run.engineSetting)
    } catch {
      var sentence = error.description
      if case .invalidParameters(let reason) = error { sentence = reason }
      return (nil, ["engines.\(run.label): engine '\(run.engine)' would not open: \(sentence)"])
    }
    let limits = declared.limits
    var reasons: [String] = []
    func refuse(_ path: String, _ count: Int, _ limit: Int, _ unit: String, _ because: String) {
      guard count > limit else { return }
      reasons.append(
        "\(path): \(count) \(unit) are more than engine '\(run.engine)' (\(run.label)) takes, \(limit)\(because)"
      )
    }
    refuse(
      "workload.key_bytes", run.workload.integer("key_bytes"), limits.maximumKeyByteCount, "bytes of a key",
      ": \(declared.keyReason)")
    let isFixed = [nil, .text("fixed")].contains(run.workload["value_distribution"])
    refuse(
      isFixed ? "workload.value_bytes" : "workload.value_bytes_max",
      vocabulary.longestValueByteCount(run.workload), limits.maximumValueByteCount,
      "bytes of the longest value", ": \(declared.valueReason)")
    refuse(
      "commit.batch_operations", run.commit.batchOperations, limits.maximumBatchOperationCount, "operations",
      "")
    if !limits.offersConcurrentReaders {
      for phase in run.phases where ThreadRequest(phase).usesThreads {
        let key = ThreadRequest(phase).readerThreadCount > 0 ? "reader_threads" : "threads"
        reasons.append(
          "phases.\(phase.name).\(key): engine '\(run.engine)' (\(run.label)) is read by one thread at a time; "
            + "leave the key out, or leave the engine out of this study")
      }
    }
    return (limits, reasons)
  }
}

extension RunSpec {
  /// What the engine's limits and costs are made from.
  var engineSetting: EngineSetting {
    EngineSetting(
      parameters: engineParameters, memoryBudgetByteCount: memoryBudgetByteCount,
      transferUnitByteCount: device.transferUnitByteCount,
      capacityByteCount: UInt64(device.capacityByteCount), syncEveryCommits: commit.syncEveryCommits)
  }
}
