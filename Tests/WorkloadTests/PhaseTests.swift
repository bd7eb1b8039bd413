// Goal: what a study writes becomes the phase and workload it means, and what cannot be is refused by name.
// Method: parameter sets as the decoder hands them over, complete and partial.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct PhaseTests {
  @Test func catalogueNamesAreUniqueAndDefaultsFit() {
    #expect(Set(phaseCatalogue.map(\.kind)).count == phaseCatalogue.count)
    #expect(Set(distributionCatalogue.map(\.name)).count == distributionCatalogue.count)
    for parameters in phaseCatalogue.map(\.parameters) + [workloadParameters] {
      #expect(Set(parameters.map(\.name)).count == parameters.count)
      for parameter in parameters {
        guard let value = parameter.defaultValue else { continue }
        switch (parameter.kind, value) {
        case (.integer(let range), .integer(let number)), (.bytes(let range), .integer(let number)):
          #expect(range.contains(number), "\(parameter.name)")
        case (.real(let range), .real(let number)): #expect(range.contains(number), "\(parameter.name)")
        case (.choice(let words), .text(let word)): #expect(words.contains(word), "\(parameter.name)")
        case (.boolean, .boolean): break
        default: Issue.record("\(parameter.name) has a default of another kind")
        }
      }
    }
  }

  @Test func everyKindDecodesFromItsDefaults() throws {
    let workload = try WorkloadSpec(parameters: ParameterSet(), seed: 1)
    for descriptor in phaseCatalogue where descriptor.kind != "replay" {
      let parameters = ParameterSet(descriptor.kind == "mixed" ? ["mix.get_hit": .integer(1)] : [:])
      let phase = try DataPhase.decode(kind: descriptor.kind, parameters: parameters, workload: workload)
      #expect((phase != nil) == descriptor.movesData)
    }
  }

  @Test func aMixedPhaseDecodes() throws {
    let workload = try makeWorkload(records: 77)
    let parameters = ParameterSet([
      "operations": .integer(500), "mix.get_hit": .integer(50), "mix.overwrite": .real(30),
      "mix.scan": .integer(5),
      "mix.delete": .integer(0), "distribution": .text("zipf"), "theta": .real(1.1),
      "scan_entries": .integer(9),
      "scan_distribution": .text("uniform"), "scan_order": .text("reverse"),
      "scan_start": .text("first"),
      "upsert_operand_bytes": .integer(3),
      "range_delete_entries": .integer(4),
    ])
    let decoded = try DataPhase.decode(kind: "mixed", parameters: parameters, workload: workload)
    let phase = try #require(decoded)
    #expect(
      phase.content
        == .operations([.init(.overwrite, weight: 30), .init(.getHit, weight: 50), .init(.scan, weight: 5)]))
    #expect(
      phase.operationCount == 500 && phase.distribution == "zipf" && phase.parameters.real("theta") == 1.1)
    #expect(phase.scanEntryCount == 9 && phase.variesScanLength && phase.scanOrder == .reverse)
    #expect(phase.scanStart == .first)
    #expect(phase.upsertOperandByteCount == 3 && phase.rangeDeleteEntryCount == 4)
    #expect(phase.contains(.scan) && !phase.contains(.delete))
    let load = try DataPhase.decode(kind: "load", parameters: ParameterSet(), workload: workload)
    #expect(load?.operationCount == 77 && load?.content == .load(random: true))
  }

  @Test func mistakesAreRefusedByName() throws {
    let workload = try makeWorkload()
    #expect(
      parameterRefused {
        _ = try DataPhase.decode(kind: "mixd", parameters: ParameterSet(), workload: workload)
      }
        == "phase")
    #expect(
      parameterRefused {
        _ = try DataPhase.decode(kind: "mixed", parameters: ParameterSet(), workload: workload)
      }
        == "mix")
    let refused = { (values: [String: ParameterValue]) in
      parameterRefused { _ = try WorkloadSpec(parameters: ParameterSet(values), seed: 1) }
    }
    #expect(
      refused([
        "value_distribution": .text("uniform"), "value_bytes_min": .integer(9),
        "value_bytes_max": .integer(8),
      ]) == "value_bytes_min")
    #expect(refused(["key_shape": .text("shared_prefix"), "key_bytes": .integer(12)]) == "key_bytes")
    #expect(refused(["key_shape": .text("odd")]) == "key_shape")
  }

  @Test func workloadsKnowTheirExpectedBytes() throws {
    let workload = try WorkloadSpec(
      parameters: ParameterSet([
        "records": .integer(1000), "key_bytes": .integer(20), "value_distribution": .text("uniform"),
        "value_bytes_min": .integer(0), "value_bytes_max": .integer(60),
      ]), seed: 1)
    #expect(workload.expectedByteCount == 50_000)
    #expect(workload.checksAnswers)
  }
}
