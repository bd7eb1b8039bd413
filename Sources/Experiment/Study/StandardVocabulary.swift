// The vocabulary of this build: the catalogues of engines, phases, distributions, device profiles and metrics.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Workload

extension StudyVocabulary {
  /// Everything this build knows.
  public static let standard = StudyVocabulary(
    engines: engineCatalogue.map(\.descriptor),
    workload: workloadParameters,
    phases: phaseCatalogue.map { phase in
      Phase(phase.kind, phase.summary, need: need(phase), parameters: phase.parameters)
    },
    distributions: distributionCatalogue.map { distribution in
      Distribution(distribution.name, distribution.summary, parameters: distribution.parameters)
    },
    deviceProfiles: DeviceProfile.all.map(\.name),
    figures: standardFigures,
    metrics: numbers(MetricRegistry.entries, in: [.runs, .timing]),
    sampledMetrics: numbers(MetricRegistry.entries, in: [.series]),
    metricFamilies: MetricRegistry.families.filter { $0.kind != .text }.map { family in
      (family.familyPrefix ?? family.id, String(family.id.drop { $0 != ">" }.dropFirst()))
    },
    models: standardModels,
    workloadFault: { set in
      do throws(WorkloadError) {
        _ = try WorkloadSpec(parameters: set, seed: 0)
        return nil
      } catch {
        return (error.parameter, error.reason)
      }
    },
    meanValueByteCount: { set in
      do throws(WorkloadError) {
        return try WorkloadSpec(parameters: set, seed: 0).values.sizes.meanByteCount
      } catch {
        // A set with a fault never comes here from a decoder; its nominal size serves a caller that asks anyway.
        return Double(set.integer("value_bytes"))
      }
    },
    longestValueByteCount: { set in
      do throws(WorkloadError) {
        return try WorkloadSpec(parameters: set, seed: 0).values.sizes.maximumByteCount
      } catch {
        return set.integer("value_bytes")
      }
    })

  /// The ids of the metrics that are numbers in one of `tables`.
  private static func numbers(_ metrics: [Metric], in tables: Set<RecordTable>) -> [String] {
    metrics.filter { $0.kind != .text && !tables.isDisjoint(with: $0.tables) && $0.id != "schema_version" }
      .map(\.id)
  }

  /// The models claims and figures may name: those of the report's catalogue, which this side does not import.
  private static let standardModels = [
    "append_log_put", "append_log_get", "sorted_file_load", "sorted_file_get", "b_tree_in_place_put",
    "b_tree_get", "b_tree_copy_on_write_put", "b_tree_copy_on_write_syncs", "b_tree_copy_on_write_load",
    "b_tree_cached_get", "b_tree_scan", "b_tree_leaf_fill", "b_tree_leaf_full",
    "be_tree_load", "be_tree_textbook_get", "be_tree_textbook_insert", "be_tree_get", "be_tree_insert_blocks",
    "be_tree_insert_affine", "be_tree_get_reads",
    "be_tree_get_affine", "be_tree_durable_put", "be_tree_durable_nodes", "be_tree_durable_syncs",
  ]

  private static func need(_ phase: PhaseDescriptor) -> Phase.Need {
    if phase.kind == "load" { return .loadsRecords }
    if phase.kind == StudyStream.replayKind { return .mayLoadRecords }
    return phase.movesData ? .needsRecords : .nothing
  }

  /// The kinds of figures a study may ask for: the names of the report's catalogue, which this side does not import.
  private static let standardFigures: [Figure] = [
    Figure("write_amplification", "Bytes written per logical byte, one bar per engine."),
    Figure(
      "write_amplification_by_cause", "Bytes written per logical byte, split by why they were written.",
      takesEngines: true),
    Figure("read_amplification", "Bytes read per byte returned, one group of bars per phase."),
    Figure("amplification_over_operations", "How amplification develops while a phase runs."),
    Figure("space_amplification", "Bytes allocated per live logical byte, one bar per engine."),
    Figure("recovery_cost", "What opening after a power cut read and wrote, and what was lost, by engine."),
    Figure(
      "lines",
      "Any metric along an axis of the study or over operations, one line per series, with intervals.",
      takesMetric: true, takesAxis: true),
  ]
}
