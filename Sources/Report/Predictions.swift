// Predictions beside measurement. A model gets a run's parameters and conditions, never its results.
//
//   RunRow ──▶ Conditions (records, record bytes, batch, memory, transfer unit, p_ parameters) ──▶ CostModel ──▶ predicted
//      └─────────────────────────── measured ──────────────────────────────────────────▶ ratio measured ÷ predicted
//
// The records' bytes are key + value: what headers, fill and splits add is what the ratio shows.
//
// Invariants
// 1. A model sees `Conditions` only, which holds nothing that was measured.
// 2. Where a condition a model needs is not in the record, there is no prediction.

import CostModel
import Primitives
import Results

/// Joining models with a record.
enum Predictions {
  /// One prediction.
  struct Row {
    var series: String
    var phase: String
    var metric: String
    /// What the metric is divided by, nil for nothing.
    var per: String?
    var predicted: Double
    var measured: Double?
    /// The formula in words, and its source.
    var model: String
    /// measured ÷ predicted.
    var ratio: Double? { measured.flatMap { predicted > 0 ? $0 / predicted : nil } }
  }

  /// What a model may know of a run.
  struct Conditions {
    /// load, read, mixed, write or a verb.
    var phaseKind: String
    /// n.
    var records: Double
    /// Key and value of one record, in bytes.
    var recordByteCount: Double
    /// Key of one record, in bytes.
    var keyByteCount: Double
    /// Operations per commit.
    var batchOperations: Double
    /// Commits per durable commit, 0 when none is asked for.
    var syncEveryCommits: Double
    /// M, in bytes.
    var memoryByteCount: Double
    /// In bytes.
    var transferUnitByteCount: Double
    /// The device's address space, in bytes.
    var capacityByteCount: Double
    /// The profile its transfers are priced with; nil when the study does not name a known one.
    var profile: DeviceProfile?
    /// How the phase chooses keys, nil when the study does not say.
    var distribution: String?
    /// What a phase of one operation repeats, nil when the study does not say.
    var operation: String?
    /// Operations of the phase as the study asks for them, nil when it does not say; a load puts n.
    var operations: Double?
    /// Entries of a scan.
    var scanEntries: Double
    /// Whether scans begin at the first key.
    var scansFromFirst: Bool
    /// The order in which the study's loads put records: random or sequential; nil when they differ or there is none.
    var loadOrder: String?
    /// Engine parameters by name.
    var parameters: [String: String]

    /// A parameter that is a number above 0.
    func number(_ name: String) -> Double? {
      parameters[name].flatMap { Double($0) }.flatMap { $0 > 0 ? $0 : nil }
    }

    /// The conditions of a run's phase; nil when records are not of one size or something is not known.
    init?(_ row: RunRow, study: JSONValue) {
      var parameters: [String: String] = [:]
      for id in row.filledColumns where id.hasPrefix("p_") {
        parameters[String(id.dropFirst(2))] = row[id]?.spelling
      }
      guard parameters["value_distribution"] == "fixed",
        let key = parameters["key_bytes"].flatMap({ Double($0) }),
        let value = parameters["value_bytes"].flatMap({ Double($0) }), key + value > 0,
        let records = row.records, records > 0, let batch = row.batchOperations, batch > 0,
        let memory = row.memoryBudgetBytes, memory > 0, let unit = Self.number("transfer_unit", study),
        unit > 0
      else { return nil }
      phaseKind = row.phaseKind ?? ""
      self.records = Double(records)
      recordByteCount = key + value
      keyByteCount = key
      syncEveryCommits = Double(row.syncEveryCommits ?? 0)
      capacityByteCount = Self.number("capacity", study) ?? 0
      profile = study["device"]?["profile"]?.text.flatMap(Self.profile)
      batchOperations = Double(batch)
      memoryByteCount = Double(memory)
      self.transferUnitByteCount = unit
      let phase = Self.phases(study).first { $0["name"]?.text == row.phaseName }
      distribution = phase?["distribution"]?.text
      operations = phase?["operations"].flatMap(Self.number)
      operation = phase?["operation"]?.text
      scanEntries = phase?["scan_entries"].flatMap(Self.number) ?? 100
      scansFromFirst = phase?["scan_start"]?.text == "first"
      let loads = Self.phases(study).filter { $0["phase"]?.text == "load" }
      let orders = Set(
        loads.map { load in
          // An axis along the order has a column of its own.
          load["name"]?.text.flatMap { parameters["phase_\($0)_order"] } ?? load["order"]?.text
        })
      loadOrder = orders.count == 1 ? orders.first ?? nil : nil
      self.parameters = parameters
    }

    private static func profile(_ name: String) -> DeviceProfile? {
      do { return try DeviceProfile.named(name) } catch { return nil }
    }

    /// A number of the device as the resolved study states it.
    private static func number(_ key: String, _ study: JSONValue) -> Double? {
      study["device"]?[key].flatMap { number($0) }
    }

    private static func number(_ value: JSONValue) -> Double? {
      switch value {
      case .integer(let number): Double(number)
      case .real(let number): number
      default: nil
      }
    }

    private static func phases(_ study: JSONValue) -> [JSONValue] {
      guard case .array(let phases)? = study["phases"] else { return [] }
      return phases
    }
  }

  /// A model's answer for one metric of one engine in one kind of phase.
  struct Model {
    /// What claims and figures call it.
    var name: String
    var engine: String
    var phaseKind: String
    var metric: String
    /// What the metric is divided by, nil for nothing.
    var per: String?
    var words: String
    var predict: @Sendable (Conditions) -> Double?
  }

  static let models: [Model] =
    simpleModels + copyOnWriteModels + bufferedTreeModels + bufferedTrafficModels + bufferedCommitModels

  private static let simpleModels: [Model] = [
    Model(
      name: "append_log_put", engine: "append-log", phaseKind: "load", metric: "wa_total_end",
      words: "each commit rounded up to the transfer unit, ÷ its bytes",
      predict: { run in
        let model = AppendLogModel(recordCount: run.records, recordByteCount: run.recordByteCount)
        let bytes = model.putWrittenByteCount(
          batchOperationCount: run.batchOperations, transferUnitByteCount: run.transferUnitByteCount)
        return bytes / run.recordByteCount
      }),
    Model(
      name: "append_log_get", engine: "append-log", phaseKind: "read", metric: "read_bytes_per_operation",
      words: "a get replays the whole log: n records",
      predict: { run in
        AppendLogModel(recordCount: run.records, recordByteCount: run.recordByteCount).getMissReadByteCount
      }),
    Model(
      name: "sorted_file_load", engine: "sorted-file", phaseKind: "load", metric: "wa_data_end",
      words: "each commit of b merges into a new file: (n + b) ÷ 2b",
      predict: { run in
        let bytes = SortedFileModel.mergingLoadWrittenByteCount(
          recordCount: run.records, recordByteCount: run.recordByteCount,
          batchOperationCount: run.batchOperations)
        return bytes / (run.records * run.recordByteCount)
      }),
    Model(
      name: "sorted_file_get", engine: "sorted-file", phaseKind: "read", metric: "ra_ios",
      words:
        "binary search over the blocks, ⌈log2(blocks + 1)⌉ (Knuth, TAOCP 3, 6.2.1); 1 with pinned fences",
      predict: { run in
        if run.parameters["fence"] == "pinned" { return 1 }
        let model = SortedFileModel(recordCount: run.records, recordByteCount: run.recordByteCount)
        return run.number("block_bytes").map { model.getReadTransferCount(blockByteCount: $0) }
      }),
    Model(
      name: "b_tree_in_place_put", engine: "sqlite", phaseKind: "load", metric: "wa_total_end",
      words: "each update writes its page, and again to the log or journal: 2 × page ÷ record "
        + "(arithmetic of Qiao et al., FAST 2022)",
      predict: { run in
        let logs = run.parameters["journal_mode"].map { $0 != "off" && $0 != "memory" } ?? true
        return run.number("page_bytes").map {
          BTreeModel.inPlaceWriteAmplification(
            pageByteCount: $0, recordByteCount: run.recordByteCount, logsWholePages: logs)
        }
      }),
    Model(
      name: "b_tree_get", engine: "sqlite", phaseKind: "read", metric: "ra_ios",
      words: "levels below the cache, log_{B+1}(N ÷ M) (Bender et al., TOPC 2021, Lemma 2); uniform keys",
      predict: { run in
        run.number("page_bytes").flatMap { page in
          guard page >= run.recordByteCount, run.distribution == "uniform" else { return nil }
          return BTreeModel(
            entryCount: run.records, entryByteCount: run.recordByteCount, cacheByteCount: run.memoryByteCount,
            nodeByteCount: page
          ).pointTransferCount
        }
      }),
  ]

  /// What claims and figures may name.
  static var modelNames: [String] { models.map(\.name) }

  /// The model `name`, nil when there is none.
  static func model(named name: String) -> Model? { models.first { $0.name == name } }

  /// Every prediction that applies, in the record's order.
  static func rows(_ digest: Digest) -> [Row] {
    let study = digest.record.manifest.study.resolved
    let measures = Measures(digest.record)
    return digest.groups.flatMap { group -> [Row] in
      guard let run = group.rows.first, let conditions = Conditions(run, study: study) else {
        return []
      }
      return models.compactMap { model -> Row? in
        guard model.engine == group.engine, model.phaseKind == conditions.phaseKind,
          let predicted = model.predict(conditions)
        else { return nil }
        return Row(
          series: group.series.name, phase: group.phase, metric: model.metric, per: model.per,
          predicted: predicted, measured: measured(model, group, measures), model: model.words)
      }
    }
  }

  private static func measured(_ model: Model, _ group: Group, _ measures: Measures) -> Double? {
    Measurement(group.rows.compactMap { measures.value($0, model.metric, per: model.per) })?.median
  }

  /// The predictions as comma-separated text.
  static func table(_ rows: [Row]) -> String {
    var text = ""
    CommaSeparatedText.append(
      ["series", "phase", "metric", "predicted", "measured", "measured_over_predicted", "model"], to: &text)
    for row in rows {
      CommaSeparatedText.append(
        [
          row.series, row.phase, Measures.words(row.metric, per: row.per), row.predicted.description,
          row.measured?.description,
          row.ratio?.description, row.model,
        ], to: &text)
    }
    return text
  }
}
