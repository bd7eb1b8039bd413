// Key paths: how an axis, a scale and `--set` name one value of a study.
//
//   memory_budget                     workload.records             device.transfer_unit, device.flash.spare
//   commit.batch_operations           engines.LABEL.records        engines.LABEL.PARAMETER
//   engines.LABEL.maximum_operations
//   phases.NAME.KEY                   phases.NAME.mix.OPERATION
//
// LABEL is an engine's label; an engine's catalogue name that is no label means every entry of that engine.
// `engines.LABEL.parameters.PARAMETER` is the same as `engines.LABEL.PARAMETER`.

import KeyValue
import Primitives

/// What key paths can mean in one study.
struct AxisScope {
  /// What the value at the end of a path may be.
  enum Field {
    case parameter(ParameterDescriptor)
    case budget
    case flashCapacity
  }

  /// Why a path means nothing.
  struct Fault: Error {
    var message: String
    var allowed: [String]
    var nearestTo: String
  }

  let vocabulary: StudyVocabulary
  let engines: [StudyEngine]
  let phases: [PhaseSpec]

  /// What `path` means.
  func resolve(_ path: String) -> Result<(target: AxisTarget, field: Field), Fault> {
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    let rest = parts.dropFirst().joined(separator: ".")
    switch parts[0] {
    case "memory_budget" where parts.count == 1: return .success((.memoryBudget, .budget))
    case "device" where rest == "flash.capacity": return .success((.device(rest), .flashCapacity))
    case "device" where parts.count > 2 && parts[1] == "flash":
      let key = parts.dropFirst(2).joined(separator: ".")
      return plain(key, StudyVocabulary.flash, "'device.flash'") { .device(StudyVocabulary.flashPrefix + $0) }
        .mapError { fault in
          Fault(
            message: fault.message, allowed: StudyVocabulary.flashKeys.sorted(), nearestTo: fault.nearestTo)
        }
    case "device": return plain(rest, vocabulary.device, "'device'") { .device($0) }
    case "workload": return plain(rest, vocabulary.workload, "'workload'") { .workload($0) }
    case "commit": return plain(rest, StudyVocabulary.commit, "'commit'") { .commit($0) }
    case "engines" where parts.count >= 3: return engine(parts)
    case "phases" where parts.count >= 3: return phase(parts)
    default:
      let roots = ["commit.", "device.", "engines.LABEL.", "memory_budget", "phases.NAME.", "workload."]
      return .failure(
        Fault(message: "is not the path of a key that can vary", allowed: roots, nearestTo: parts[0]))
    }
  }

  private func plain(
    _ name: String, _ descriptors: [ParameterDescriptor], _ owner: String, _ target: (String) -> AxisTarget
  ) -> Result<(target: AxisTarget, field: Field), Fault> {
    guard let descriptor = descriptors.first(where: { $0.name == name }) else {
      let fault = Fault(
        message: "names '\(name)', which is not a key of \(owner)", allowed: descriptors.map(\.name).sorted(),
        nearestTo: name)
      return .failure(fault)
    }
    return .success((target(name), .parameter(descriptor)))
  }

  /// The places of the engines that `label` names.
  static func indices(of label: String, labels: [String], engines: [String]) -> [Int] {
    let byLabel = labels.indices.filter { labels[$0] == label }
    return byLabel.isEmpty ? engines.indices.filter { engines[$0] == label } : byLabel
  }

  private func engine(_ parts: [String]) -> Result<(target: AxisTarget, field: Field), Fault> {
    let labels = engines.map(\.label)
    let found = Self.indices(of: parts[1], labels: labels, engines: engines.map(\.engine))
    guard let first = found.first, let descriptor = vocabulary.engine(engines[first].engine) else {
      let message = "names '\(parts[1])', which is no engine of this study"
      return .failure(Fault(message: message, allowed: labels, nearestTo: parts[1]))
    }
    var rest = Array(parts.dropFirst(2))
    if rest == ["records"] { return .success((.engineRecords(found), .parameter(vocabulary.records))) }
    if rest == ["maximum_operations"] {
      return .success((.engineOperations(found), .parameter(StudyVocabulary.maximumOperations)))
    }
    if rest.count > 1 && rest[0] == "parameters" { rest.removeFirst() }
    let name = rest.joined(separator: ".")
    guard let parameter = descriptor.parameters.first(where: { $0.name == name }) else {
      let message = "names '\(name)', which is no parameter of engine '\(descriptor.name)'"
      let allowed = (descriptor.parameters.map(\.name) + ["maximum_operations", "records"]).sorted()
      return .failure(Fault(message: message, allowed: allowed, nearestTo: name))
    }
    return .success((.engineParameter(found, name), .parameter(parameter)))
  }

  private func phase(_ parts: [String]) -> Result<(target: AxisTarget, field: Field), Fault> {
    guard let index = phases.firstIndex(where: { $0.name == parts[1] }),
      let phase = vocabulary.phase(phases[index].kind)
    else {
      let message = "names '\(parts[1])', which is no phase of this study"
      return .failure(Fault(message: message, allowed: phases.map(\.name), nearestTo: parts[1]))
    }
    let name = parts.dropFirst(2).joined(separator: ".")
    let descriptors = vocabulary.allParameters(of: phase)
    return plain(name, descriptors, "a phase of kind '\(phase.kind)'") { .phase(index, $0) }
  }
}
