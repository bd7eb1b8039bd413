// A source tree to a resolved study, with every mistake listed at once.
//
//   root ─▶ sections (table-driven) ─▶ engines, phases ─▶ axes, figures ─▶ checks across keys ─▶ Study
//
// Invariants
// 1. Decoding never stops at a mistake: what is wrong is listed and left out, and the rest is looked at.
// 2. A study is returned exactly when no problem was found.
// 3. No key is known here by its meaning but the grammar's own; parameters come from the vocabulary's tables.

import KeyValue
import Primitives

/// Turns a tree into a study.
struct StudyDecoder {
  let vocabulary: StudyVocabulary
  private(set) var problems: [StudyProblem] = []

  init(vocabulary: StudyVocabulary) { self.vocabulary = vocabulary }

  /// The keys at the top of a study.
  static let rootKeys: [String] = [
    "schema", "study", "title", "question", "seed", "repeats", "memory_budget", "device", "workload",
    "stream", "commit", "engines", "phases", "axes", "scales", "figures", "claims", "execution",
  ]

  /// The study in `root`, nil when there were problems.
  mutating func study(_ root: SourceNode) -> Study? {
    guard case .map = root.content else {
      problem(root.place, "", "is \(root.nameForMessage), a map of keys is wanted", Self.rootKeys)
      return nil
    }
    for entry in root.entries where !Self.rootKeys.contains(entry.key) {
      unknownKey(entry, path: entry.key, of: "a study", allowed: Self.rootKeys)
    }
    var numbers: [String: Int] = [:]
    for descriptor in StudyVocabulary.root {
      let value: ParameterValue?
      if let node = root[descriptor.name] {
        value = parameter(node, descriptor, path: descriptor.name)
      } else {
        value = descriptor.defaultValue
        if value == nil { missing(descriptor.name, at: root.place, path: descriptor.name) }
      }
      if case .integer(let number)? = value { numbers[descriptor.name] = number }
    }
    let name = studyName(root)
    let title = text(root["title"], path: "title") ?? ""
    let question = text(root["question"], path: "question") ?? ""
    let budget = memoryBudget(root)
    let device = device(root)
    let workload = section(root, "workload", vocabulary.workload)
    check(workload, of: root)
    let commit = section(root, "commit", StudyVocabulary.commit)
    let engines = engines(root)
    let phases = phases(root)
    let scope = AxisScope(vocabulary: vocabulary, engines: engines, phases: phases)
    let axes = axes(root, scope: scope)
    let figures = figures(root, scope: scope, axes: axes)
    let claims = claims(root, scope: scope, axes: axes, figures: figures)
    let jobs = jobs(root)
    guard problems.isEmpty, let name, let budget, let device else { return nil }
    return Study(
      name: name, title: title, question: question, seed: numbers["seed"] ?? 1,
      repeats: numbers["repeats"] ?? 1,
      memoryBudget: budget, device: device, workload: workload, commit: CommitSpec(commit), engines: engines,
      phases: phases, axes: axes, figures: figures, claims: claims, jobs: jobs)
  }

  /// The most runs made side by side, nil when the study does not say.
  private mutating func jobs(_ root: SourceNode) -> Int? {
    guard root["execution"] != nil else { return nil }
    guard case .integer(let count)? = section(root, "execution", StudyVocabulary.execution)["jobs"] else {
      return nil
    }
    return count
  }

  // MARK: Problems

  mutating func problem(
    _ place: SourcePlace, _ path: String, _ message: String, _ allowed: [String]? = nil,
    nearestTo: String? = nil
  ) {
    let words = allowed.flatMap { $0.isEmpty ? nil : $0.joined(separator: ", ") }
    let nearest = nearestTo.flatMap { nearestName(to: $0, in: allowed ?? []) }
    problems.append(
      StudyProblem(place: place, keyPath: path, message: message, allowed: words, nearest: nearest))
  }

  mutating func unknownKey(
    _ entry: SourceNode.Entry, path: String, of owner: String, allowed: [String]
  ) {
    problem(entry.keyPlace, path, "is not a key of \(owner)", allowed, nearestTo: entry.key)
  }

  mutating func missing(_ key: String, at place: SourcePlace, path: String) {
    problem(place, path, "is missing")
  }

  // MARK: Values

  /// A value of `descriptor`, nil after a problem.
  mutating func parameter(
    _ node: SourceNode, _ descriptor: ParameterDescriptor, path: String
  ) -> ParameterValue? {
    guard case .scalar(let text, let isQuoted) = node.content else {
      problem(
        node.place, path, "is \(node.nameForMessage), \(descriptor.kind.wanted)", [descriptor.kind.range])
      return nil
    }
    if node.isNull {
      problem(node.place, path, "has no value, \(descriptor.kind.wanted)", [descriptor.kind.range])
      return nil
    }
    if case .choice(let words) = descriptor.kind {
      if words.contains(text) { return .text(text) }
      // A profile may also be written out, as `betula doctor --calibrate` prints it.
      if descriptor.name == "profile", DeviceProfile(calibratedName: text) != nil { return .text(text) }
      problem(
        node.place, path, "is \(node.nameForMessage), \(descriptor.kind.wanted)", words, nearestTo: text)
      return nil
    }
    if isQuoted {
      let message = "is the text \"\(text)\", \(descriptor.kind.wanted) without quotes"
      problem(node.place, path, message, [descriptor.kind.range])
      return nil
    }
    do {
      switch descriptor.kind {
      case .integer(let range):
        let value = try Quantity.parseInteger(text)
        if range.contains(value) { return .integer(value) }
      case .bytes(let range):
        let value = try Quantity.parseByteCount(text)
        if range.contains(value) { return .integer(value) }
      case .real(let range):
        let value = try Quantity.parseReal(text)
        if range.contains(value) { return .real(value == 0 ? 0 : value) }
      case .boolean:
        if text == "true" { return .boolean(true) }
        if text == "false" { return .boolean(false) }
        problem(node.place, path, "is '\(text)', \(descriptor.kind.wanted)", [descriptor.kind.range])
        return nil
      case .choice: return nil
      }
      problem(node.place, path, "is \(text), which is out of range", [descriptor.kind.range])
    } catch {
      problem(node.place, path, "is '\(text)': \(error.reason)", [descriptor.kind.range])
    }
    return nil
  }

  /// A free text, nil when absent or after a problem.
  mutating func text(_ node: SourceNode?, path: String) -> String? {
    guard let node else { return nil }
    guard let text = node.text else {
      problem(node.place, path, "is \(node.nameForMessage), a text is wanted")
      return nil
    }
    return text
  }

  /// A memory budget.
  mutating func budgetValue(_ node: SourceNode, path: String) -> ParameterValue? {
    let allowed = ["64KiB … 64TiB", "data/1 … data/1_000_000"]
    let wanted = "a size such as 64MiB or a fraction of the data such as data/8 is wanted"
    guard let text = node.text, !node.isNull else {
      problem(node.place, path, "is \(node.nameForMessage), \(wanted)", allowed)
      return nil
    }
    do {
      if text.hasPrefix("data/") {
        let divisor = try Quantity.parseInteger(String(text.dropFirst(5)))
        if (1...1_000_000).contains(divisor) { return .text("data/\(divisor)") }
      } else {
        let count = try Quantity.parseByteCount(text)
        if ((64 << 10)...(64 << 40)).contains(count) { return .integer(count) }
      }
      problem(node.place, path, "is \(text), which is out of range", allowed)
    } catch {
      problem(node.place, path, "is '\(text)': \(error.reason); \(wanted)", allowed)
    }
    return nil
  }

  /// A map of parameters, complete; `extra` keys are the caller's.
  mutating func parameters(
    _ node: SourceNode?, at place: SourcePlace, path: String, owner: String,
    _ descriptors: [ParameterDescriptor], extra: [String] = []
  ) -> ParameterSet {
    var set = ParameterSet()
    var seen: Set<String> = []
    if let node, !node.isNull {
      guard case .map(let entries) = node.content else {
        problem(node.place, path, "is \(node.nameForMessage), a map of keys is wanted")
        return set
      }
      let groups = Set(descriptors.compactMap(\.group))
      let keys = (extra + descriptors.filter { $0.group == nil }.map(\.name) + groups).sorted()
      for entry in entries where !extra.contains(entry.key) {
        let entryPath = path.isEmpty ? entry.key : "\(path).\(entry.key)"
        if groups.contains(entry.key) {
          group(entry, path: entryPath, descriptors, into: &set, seen: &seen)
        } else if let descriptor = descriptors.first(where: { $0.name == entry.key }) {
          seen.insert(descriptor.name)
          if let value = parameter(entry.value, descriptor, path: entryPath) { set[descriptor.name] = value }
        } else {
          unknownKey(entry, path: entryPath, of: owner, allowed: keys)
        }
      }
    }
    for descriptor in descriptors where !seen.contains(descriptor.name) {
      if let value = descriptor.defaultValue {
        set[descriptor.name] = value
      } else {
        missing(
          descriptor.name, at: place, path: path.isEmpty ? descriptor.name : "\(path).\(descriptor.name)")
      }
    }
    return set
  }

  /// The nested map `entry`, whose keys are the descriptors `entry.key` + "." + key.
  private mutating func group(
    _ entry: SourceNode.Entry, path: String, _ descriptors: [ParameterDescriptor],
    into set: inout ParameterSet,
    seen: inout Set<String>
  ) {
    guard case .map(let entries) = entry.value.content else {
      problem(entry.value.place, path, "is \(entry.value.nameForMessage), a map of keys is wanted")
      for descriptor in descriptors where descriptor.group == entry.key { seen.insert(descriptor.name) }
      return
    }
    let keys = descriptors.filter { $0.group == entry.key }.map(\.leaf).sorted()
    for inner in entries {
      let innerPath = "\(path).\(inner.key)"
      guard let descriptor = descriptors.first(where: { $0.name == "\(entry.key).\(inner.key)" }) else {
        unknownKey(inner, path: innerPath, of: "'\(entry.key)'", allowed: keys)
        continue
      }
      seen.insert(descriptor.name)
      if let value = parameter(inner.value, descriptor, path: innerPath) { set[descriptor.name] = value }
    }
  }

  /// A section that is a map of parameters at the top of the study.
  private mutating func section(
    _ root: SourceNode, _ key: String, _ descriptors: [ParameterDescriptor]
  ) -> ParameterSet {
    let place = root.entries.first { $0.key == key }?.keyPlace ?? root.place
    return parameters(root[key], at: place, path: key, owner: "'\(key)'", descriptors)
  }

  // MARK: Sections

  private mutating func studyName(_ root: SourceNode) -> String? {
    guard let node = root["study"] else {
      missing("study", at: root.place, path: "study")
      return nil
    }
    return identifier(node, path: "study", allowsUnderscore: false)
  }

  /// A name: `[a-z0-9]`, then also hyphens, and underscores where allowed.
  mutating func identifier(_ node: SourceNode, path: String, allowsUnderscore: Bool) -> String? {
    let letters = allowsUnderscore ? "a-z 0-9 - _" : "a-z 0-9 -"
    guard let text = node.text else {
      problem(node.place, path, "is \(node.nameForMessage), a name is wanted", [letters])
      return nil
    }
    let isValid = text.utf8.allSatisfy { byte in
      (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39) || byte == 0x2d
        || (allowsUnderscore && byte == 0x5f)
    }
    let first = text.utf8.first ?? 0x2d
    if isValid && first != 0x2d && first != 0x5f && text.utf8.count <= 64 { return text }
    problem(node.place, path, "is \(node.nameForMessage), which is not a name of 1 to 64 letters", [letters])
    return nil
  }

  private mutating func memoryBudget(_ root: SourceNode) -> MemoryBudgetSpec? {
    guard let node = root["memory_budget"] else {
      missing("memory_budget", at: root.place, path: "memory_budget")
      return nil
    }
    return budgetValue(node, path: "memory_budget").flatMap { MemoryBudgetSpec($0) }
  }

  private mutating func device(_ root: SourceNode) -> DeviceSpec? {
    let before = problems.count
    let place = root.entries.first { $0.key == "device" }?.keyPlace ?? root.place
    let node = root["device"]
    let set = parameters(
      node, at: place, path: "device", owner: "'device'", vocabulary.device, extra: ["path", "flash"])
    let path = text(node?["path"], path: "device.path")
    let at = { (key: String) in node?[key]?.place ?? place }
    if case .integer(let unit)? = set["transfer_unit"] {
      if unit & (unit - 1) != 0 {
        let message = "is \(unit) bytes, a power of two is wanted"
        problem(at("transfer_unit"), "device.transfer_unit", message, ["512B … 1MiB"])
      } else {
        for key in ["capacity", "maximum_transfer"] {
          guard case .integer(let count)? = set[key], count % unit != 0 || count < unit else { continue }
          let message = "is \(count) bytes, which is no multiple of the transfer unit, \(unit) bytes"
          problem(at(key), "device.\(key)", message)
        }
      }
    }
    guard problems.count == before else { return nil }
    var spec = DeviceSpec(set, path: path)
    spec.flash = flash(node, transferUnitByteCount: spec.transferUnitByteCount)
    if spec.kind == .memory {
      for key in ["io", "queue_depth", "path"] {
        guard let entry = node?.entries.first(where: { $0.key == key }) else { continue }
        problem(entry.keyPlace, "device.\(key)", "is for files, and the device's kind is memory")
      }
    }
    return spec
  }

  /// Asks the workload whether its parameters fit together.
  private mutating func check(_ workload: ParameterSet, of root: SourceNode) {
    let isComplete = vocabulary.workload.allSatisfy { workload[$0.name] != nil }
    guard isComplete, let fault = vocabulary.workloadFault(workload) else { return }
    let section = root.entries.first { $0.key == "workload" }
    let entry = section?.value.entries.first { $0.key == fault.parameter }
    let place = entry?.keyPlace ?? section?.keyPlace ?? root.place
    problem(place, "workload.\(fault.parameter)", fault.reason)
  }

  private mutating func engines(_ root: SourceNode) -> [StudyEngine] {
    var engines: [StudyEngine] = []
    var labelPlaces: [String: SourcePlace] = [:]
    let names = vocabulary.engines.map(\.name)
    for (index, item) in list(root, "engines").enumerated() {
      let path = "engines.\(index)"
      let keys = ["engine", "label", "maximum_operations", "parameters", "records"]
      guard case .map(let entries) = item.content else {
        problem(item.place, path, "is \(item.nameForMessage), a map such as { engine: NAME } is wanted", keys)
        continue
      }
      for entry in entries where !keys.contains(entry.key) {
        unknownKey(entry, path: "\(path).\(entry.key)", of: "an engine's item", allowed: keys)
        if let descriptor = item["engine"]?.text.flatMap({ vocabulary.engine($0) }),
          descriptor.parameters.contains(where: { $0.name == entry.key })
        {
          problems[problems.count - 1].message += "; it is a parameter: write it under 'parameters'"
          problems[problems.count - 1].nearest = "parameters.\(entry.key)"
        }
      }
      guard let nameNode = item["engine"] else {
        missing("engine", at: item.place, path: "\(path).engine")
        continue
      }
      guard let name = nameNode.text, let descriptor = vocabulary.engine(name) else {
        let message = "is \(nameNode.nameForMessage), which is no engine"
        problem(nameNode.place, "\(path).engine", message, names, nearestTo: nameNode.text ?? "")
        continue
      }
      var label = name
      if let node = item["label"] {
        label = identifier(node, path: "\(path).label", allowsUnderscore: true) ?? "\(name)-\(index)"
      }
      let place = item["label"]?.place ?? nameNode.place
      if let first = labelPlaces[label] {
        let message = "is '\(label)', as in line \(first.line); give each engine a label of its own"
        problem(place, "\(path).label", message)
      }
      labelPlaces[label] = labelPlaces[label] ?? place
      let parametersPlace = item.entries.first { $0.key == "parameters" }?.keyPlace ?? item.place
      let set = parameters(
        item["parameters"], at: parametersPlace, path: "engines.\(label).parameters",
        owner: "engine '\(name)'",
        descriptor.parameters)
      var records: Int?
      if let node = item["records"] {
        let value = parameter(node, vocabulary.records, path: "engines.\(label).records")
        if case .integer(let number)? = value { records = number }
      }
      var maximum: Int?
      if let node = item["maximum_operations"] {
        let limitPath = "engines.\(label).maximum_operations"
        let value = parameter(node, StudyVocabulary.maximumOperations, path: limitPath)
        if case .integer(let number)? = value { maximum = number }
      }
      engines.append(
        StudyEngine(
          engine: name, label: label, parameters: set, records: records, maximumOperations: maximum))
    }
    return engines
  }

  private mutating func list(_ root: SourceNode, _ key: String) -> [SourceNode] {
    guard let node = root[key], !node.isNull else {
      missing(key, at: root.place, path: key)
      return []
    }
    guard case .list(let items) = node.content else {
      problem(node.place, key, "is \(node.nameForMessage), a list is wanted")
      return []
    }
    if items.isEmpty { problem(node.place, key, "is an empty list, at least one item is wanted") }
    return items
  }

  private mutating func phases(_ root: SourceNode) -> [PhaseSpec] {
    let items = list(root, "phases")
    var phases: [PhaseSpec] = []
    var namePlaces: [String: SourcePlace] = [:]
    let explicit = Set(items.compactMap { $0["name"]?.text })
    let kinds = vocabulary.phases.map(\.kind)
    var loadPlace: SourcePlace?
    for (index, item) in items.enumerated() {
      let path = "phases.\(index)"
      guard case .map = item.content else {
        problem(item.place, path, "is \(item.nameForMessage), a map such as { phase: KIND } is wanted", kinds)
        continue
      }
      guard let kindNode = item["phase"] else {
        missing("phase", at: item.place, path: "\(path).phase")
        continue
      }
      guard let kind = kindNode.text, let phase = vocabulary.phase(kind) else {
        let message = "is \(kindNode.nameForMessage), which is no kind of phase"
        problem(kindNode.place, "\(path).phase", message, kinds, nearestTo: kindNode.text ?? "")
        continue
      }
      var name = kind
      if let node = item["name"] {
        name = identifier(node, path: "\(path).name", allowsUnderscore: true) ?? kind
        if let first = namePlaces[name] {
          let message = "is '\(name)', as in line \(first.line); every phase has a name of its own"
          problem(node.place, "\(path).name", message)
        }
      } else {
        var number = 1
        while namePlaces[name] != nil || explicit.contains(name) {
          number += 1
          name = "\(kind)_\(number)"
        }
      }
      namePlaces[name] = namePlaces[name] ?? item["name"]?.place ?? kindNode.place
      switch phase.need {
      case .loadsRecords:
        if let first = loadPlace {
          problem(kindNode.place, "\(path).phase", "loads the records again; line \(first.line) has done it")
        }
        loadPlace = loadPlace ?? kindNode.place
      case .needsRecords:
        if loadPlace == nil {
          let loads = vocabulary.phases.filter { $0.need == .loadsRecords }.map(\.kind)
          let message = "is '\(kind)', which works on records, before any phase has loaded them"
          problem(kindNode.place, "\(path).phase", message)
          problems[problems.count - 1].allowed = "a phase of kind \(loads.joined(separator: ", ")) before it"
        }
      case .mayLoadRecords: loadPlace = loadPlace ?? kindNode.place
      case .nothing: break
      }
      phases.append(PhaseSpec(kind: kind, name: name, parameters: phaseParameters(item, phase, name: name)))
    }
    return phases
  }

  private mutating func phaseParameters(
    _ item: SourceNode, _ phase: StudyVocabulary.Phase, name: String
  ) -> ParameterSet {
    let path = "phases.\(name)"
    let key = StudyVocabulary.distributionKey
    let distributionDefault = phase.parameters.first { $0.name == key }?.defaultValue?.description
    let distribution = item[key]?.text ?? distributionDefault
    let known = distribution.map { vocabulary.distribution($0) != nil } ?? false
    let descriptors =
      known || distribution == nil
      ? vocabulary.parameters(of: phase, distribution: distribution) : vocabulary.allParameters(of: phase)
    // A key of another distribution deserves a better sentence than "not a key".
    var extra = ["phase", "name"]
    for entry in item.entries where !descriptors.contains(where: { $0.name == entry.key }) {
      let takers = vocabulary.distributions(taking: entry.key)
      guard known, let distribution, !takers.isEmpty else { continue }
      extra.append(entry.key)
      let message =
        "is a parameter of the distributions \(takers.joined(separator: ", ")), not of '\(distribution)'"
      problem(entry.keyPlace, "\(path).\(entry.key)", message)
    }
    let before = problems.count
    let set = parameters(
      item, at: item.place, path: path, owner: "a phase of kind '\(phase.kind)'", descriptors, extra: extra)
    guard problems.count == before else { return set }
    for fault in PhaseRules.faults(of: set, given: item.entries.map(\.key)) {
      let place = item.entries.first { $0.key == fault.key }?.keyPlace ?? item.place
      problem(place, "\(path).\(fault.key)", fault.message)
    }
    return PhaseRules.used(set)
  }

  private mutating func axes(_ root: SourceNode, scope: AxisScope) -> [StudyAxis] {
    guard let node = root["axes"], !node.isNull else { return [] }
    guard case .map(let entries) = node.content else {
      problem(node.place, "axes", "is \(node.nameForMessage), a map from key path to list is wanted")
      return []
    }
    var axes: [StudyAxis] = []
    var cellCount = 1
    for entry in entries {
      let path = "axes.\(entry.key)"
      let resolved: (target: AxisTarget, field: AxisScope.Field)
      switch scope.resolve(entry.key) {
      case .success(let found): resolved = found
      case .failure(let fault):
        problem(entry.keyPlace, path, fault.message, fault.allowed, nearestTo: fault.nearestTo)
        continue
      }
      guard case .list(let items) = entry.value.content, !items.isEmpty else {
        problem(entry.value.place, path, "is \(entry.value.nameForMessage), a list of values is wanted")
        continue
      }
      var values: [ParameterValue] = []
      var seen: Set<ParameterValue> = []
      for item in items {
        let value: ParameterValue?
        switch resolved.field {
        case .budget: value = budgetValue(item, path: path)
        case .flashCapacity: value = flashCapacity(item, path: path)
        case .parameter(let descriptor): value = parameter(item, descriptor, path: path)
        }
        guard let value else { continue }
        if !seen.insert(value).inserted {
          problem(item.place, path, "has the value \(value) twice")
          continue
        }
        values.append(value)
      }
      if axes.contains(where: { $0.target == resolved.target }) {
        problem(entry.keyPlace, path, "is an axis of this study already, under another spelling")
        continue
      }
      cellCount = cellCount.multipliedReportingOverflow(by: max(1, values.count)).partialValue
      if cellCount > Plan.maximumRunCount || cellCount < 0 {
        let limit = Quantity.formatInteger(Plan.maximumRunCount)
        problem(entry.keyPlace, path, "makes the grid larger than \(limit) runs")
        cellCount = 1
      }
      axes.append(StudyAxis(path: entry.key, target: resolved.target, values: values))
    }
    return axes
  }

  /// One of `words`, none after a problem.
  mutating func word(
    _ node: SourceNode, path: String, _ words: [String], what: String
  ) -> [String] {
    if let text = node.text, words.contains(text) { return [text] }
    let few = words.count <= 40 ? words : nil
    problem(
      node.place, path, "is \(node.nameForMessage), which is no \(what)", words, nearestTo: node.text ?? "")
    if few == nil { problems[problems.count - 1].allowed = nil }
    return []
  }
}

extension ParameterDescriptor {
  /// `mix` of `mix.get_hit`, nil for a plain name.
  var group: String? { name.firstIndex(of: ".").map { String(name[..<$0]) } }

  /// `get_hit` of `mix.get_hit`, the name itself for a plain one.
  var leaf: String { name.firstIndex(of: ".").map { String(name[name.index(after: $0)...]) } ?? name }
}

extension ParameterKind {
  /// What a message asks for.
  var wanted: String {
    switch self {
    case .integer: "a whole number is wanted"
    case .bytes: "a size is wanted"
    case .real: "a number is wanted"
    case .choice: "one of the allowed words is wanted"
    case .boolean: "true or false is wanted"
    }
  }

  /// The values, for a message.
  public var range: String {
    switch self {
    case .integer(let range) where range.count == 1: String(range.lowerBound)
    case .integer(let range):
      "\(Quantity.formatInteger(range.lowerBound)) … \(Quantity.formatInteger(range.upperBound))"
    case .bytes(let range):
      "\(Quantity.formatByteCount(range.lowerBound)) … \(Quantity.formatByteCount(range.upperBound))"
    case .real(let range): "\(range.lowerBound) … \(range.upperBound)"
    case .choice(let words): words.joined(separator: ", ")
    case .boolean: "true, false"
    }
  }
}

extension DeviceSpec {
  /// A device from a complete set.
  init(_ set: ParameterSet, path: String?) {
    self.init(
      kind: Kind(rawValue: set.text("kind")) ?? .memory, capacityByteCount: set.integer("capacity"),
      transferUnitByteCount: set.integer("transfer_unit"), coalesces: set.boolean("coalesce"),
      maximumTransferByteCount: set.integer("maximum_transfer"), profile: set.text("profile"),
      access: FileAccess(rawValue: set.text("io")) ?? .direct, queueDepth: set.integer("queue_depth"),
      path: path)
  }

  /// This device with one key changed.
  func setting(_ name: String, to value: ParameterValue) -> DeviceSpec {
    if name.hasPrefix(StudyVocabulary.flashPrefix) {
      var device = self
      let key = String(name.dropFirst(StudyVocabulary.flashPrefix.count))
      device.flash = (flash ?? FlashSpec()).setting(key, to: value)
      return device
    }
    var set = ParameterSet([
      "kind": .text(kind.rawValue), "capacity": .integer(capacityByteCount),
      "transfer_unit": .integer(transferUnitByteCount), "coalesce": .boolean(coalesces),
      "maximum_transfer": .integer(maximumTransferByteCount), "profile": .text(profile),
      "io": .text(access.rawValue), "queue_depth": .integer(queueDepth),
    ])
    set[name] = value
    var device = DeviceSpec(set, path: path)
    device.flash = flash
    return device
  }
}

extension CommitSpec {
  /// Grouping from a complete set.
  init(_ set: ParameterSet) {
    self.init(
      batchOperations: set.integer("batch_operations"), syncEveryCommits: set.integer("sync_every_commits"))
  }
}
