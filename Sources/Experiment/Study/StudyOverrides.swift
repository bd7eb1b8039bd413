// Overrides: what a scale and `--set` change in a study's tree before it is decoded, so that a wrong key or value
// is answered exactly as if it stood in the file.
//
//   file  <  scale  <  --set          a comma list, or a list in a scale, makes the key an axis
//
// Invariants
// 1. A key that was an axis and is set to one value is an axis with that value, in its place and spelling, so that
//    figures along it stay what they are.
// 2. A phase given another distribution forgets the parameters that only the old one takes.
// 3. `engines` set to a list of labels keeps those engines only, in the study's order, after everything else; axes
//    of engines left out go with them, and figures along those axes, and claims about those engines.

import Primitives

/// Changes to a source tree, gathered and then applied.
struct StudyOverrides {
  private(set) var problems: [StudyProblem] = []
  private let vocabulary: StudyVocabulary
  private var selection: (node: SourceNode, path: String)?

  init(vocabulary: StudyVocabulary) { self.vocabulary = vocabulary }

  /// Splits `key=value`; nil after a problem. `number` is the option's place among its like, from 1.
  mutating func parse(_ text: String, number: Int) -> (path: String, value: SourceNode, place: SourcePlace)? {
    let place = SourcePlace(file: SourcePlace.commandLineFile, line: 1, column: number)
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else {
      let message = "'--set \(text)' is not of the form key.path=value"
      problems.append(StudyProblem(place: place, keyPath: "", message: message))
      return nil
    }
    let value = SourceTree.readOverride(String(text[text.index(after: equals)...]), column: number)
    return (String(text[..<equals]), value, place)
  }

  /// Applies the scale `name` of the study itself.
  mutating func apply(scale name: String, to root: inout SourceNode) {
    let scales = root["scales"]?.entries ?? []
    guard let scale = scales.first(where: { $0.key == name }) else {
      let names = scales.map(\.key)
      let place = SourcePlace(file: SourcePlace.commandLineFile, line: 1, column: 0)
      let message =
        names.isEmpty
        ? "scale '\(name)' is asked for, and this study has no scales"
        : "scale '\(name)' is asked for, which this study does not have"
      let nearest = nearestName(to: name, in: names)
      let allowed = names.isEmpty ? nil : names.joined(separator: ", ")
      problems.append(
        StudyProblem(place: place, keyPath: "", message: message, allowed: allowed, nearest: nearest))
      return
    }
    for entry in scale.value.entries { set(entry.key, to: entry.value, at: entry.keyPlace, in: &root) }
  }

  /// Sets the value at `path`.
  mutating func set(_ path: String, to value: SourceNode, at place: SourcePlace, in root: inout SourceNode) {
    if path == "engines" {
      selection = (value, path)
      return
    }
    if case .list = value.content {
      setAxis(path, to: value, at: place, in: &root)
      return
    }
    let same = Self.normalised(path)
    if root["axes"]?.entries.contains(where: { Self.normalised($0.key) == same }) == true {
      let single = SourceNode(content: .list([value]), place: value.place)
      setAxis(path, to: single, at: place, in: &root)
      return
    }
    let parts = path.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    switch parts[0] {
    case "engines": setEngine(parts, path, to: value, at: place, in: &root)
    case "phases": setPhase(parts, path, to: value, at: place, in: &root)
    case "axes", "scales", "figures", "claims":
      let message = "cannot be set; set the key itself, to a comma list for an axis"
      problems.append(StudyProblem(place: place, keyPath: path, message: message))
    default: Self.setNested(parts[...], to: value, at: place, in: &root)
    }
  }

  /// Keeps the engines that were selected, if any were.
  mutating func finish(_ root: inout SourceNode) {
    guard let (node, path) = selection, var list = root["engines"] else { return }
    let wanted: [SourceNode]
    if case .list(let items) = node.content { wanted = items } else { wanted = [node] }
    let (labels, names) = Self.labels(of: list)
    var kept: Set<Int> = []
    for item in wanted {
      let found = AxisScope.indices(of: item.text ?? "", labels: labels, engines: names)
      if found.isEmpty {
        let message = "names \(item.nameForMessage), which is no engine of this study"
        let nearest = nearestName(to: item.text ?? "", in: labels)
        problems.append(
          StudyProblem(
            place: item.place, keyPath: path, message: message, allowed: labels.joined(separator: ", "),
            nearest: nearest))
      }
      kept.formUnion(found)
    }
    guard !kept.isEmpty else { return }
    list.items = list.items.indices.filter { kept.contains($0) }.map { list.items[$0] }
    root["engines"] = list
    dropClaims(&root, labels.indices.filter { !kept.contains($0) }.map { labels[$0] })
    guard var axes = root["axes"] else { return }
    var gone: Set<String> = []
    axes.entries.removeAll { entry in
      let parts = entry.key.split(separator: ".").map(String.init)
      guard parts.count > 1, parts[0] == "engines" else { return false }
      let found = AxisScope.indices(of: parts[1], labels: labels, engines: names)
      let isGone = !found.isEmpty && kept.isDisjoint(with: found)
      if isGone { gone.insert(entry.key) }
      return isGone
    }
    root["axes"] = axes
    guard var figures = root["figures"], !gone.isEmpty else { return }
    figures.items.removeAll { figure in figure["axis"]?.text.map { gone.contains($0) } ?? false }
    root["figures"] = figures
  }

  /// Removes claims about engines that were left out: nothing is left to check them by.
  private func dropClaims(_ root: inout SourceNode, _ gone: [String]) {
    guard var claims = root["claims"], !gone.isEmpty else { return }
    claims.items.removeAll { claim in
      (claim["series"]?.items ?? []).contains { series in
        gone.contains(series.text ?? series["engine"]?.text ?? "")
      }
    }
    root["claims"] = claims
  }

  private mutating func setAxis(
    _ path: String, to value: SourceNode, at place: SourcePlace, in root: inout SourceNode
  ) {
    var axes = root["axes"] ?? SourceNode(content: .map([]), place: place)
    if case .scalar = axes.content { axes.content = .map([]) }
    let same = Self.normalised(path)
    let entry = SourceNode.Entry(key: path, keyPlace: place, value: value)
    if let index = axes.entries.firstIndex(where: { Self.normalised($0.key) == same }) {
      // The axis keeps its spelling, by which figures name it.
      axes.entries[index].keyPlace = place
      axes.entries[index].value = value
    } else {
      axes.entries.append(entry)
    }
    root["axes"] = axes
  }

  private mutating func setEngine(
    _ parts: [String], _ path: String, to value: SourceNode, at place: SourcePlace, in root: inout SourceNode
  ) {
    guard var list = root["engines"], case .list = list.content else { return }
    let (labels, names) = Self.labels(of: list)
    let found = parts.count < 3 ? [] : AxisScope.indices(of: parts[1], labels: labels, engines: names)
    guard !found.isEmpty else {
      let label = parts.count < 2 ? "" : parts[1]
      let message =
        parts.count < 3
        ? "is not the path of a key; write engines.LABEL.PARAMETER"
        : "names '\(label)', which is no engine of this study"
      problems.append(
        StudyProblem(
          place: place, keyPath: path, message: message, allowed: labels.joined(separator: ", "),
          nearest: parts.count < 3 ? nil : nearestName(to: label, in: labels)))
      return
    }
    var rest = parts[2...]
    if rest.count > 1 && rest.first == "parameters" { rest = rest.dropFirst() }
    let isOfItem = Array(rest) == ["records"] || Array(rest) == ["maximum_operations"]
    var items = list.items
    for index in found {
      Self.setNested(isOfItem ? rest : ["parameters"] + rest, to: value, at: place, in: &items[index])
    }
    list.items = items
    root["engines"] = list
  }

  private mutating func setPhase(
    _ parts: [String], _ path: String, to value: SourceNode, at place: SourcePlace, in root: inout SourceNode
  ) {
    guard var list = root["phases"], case .list = list.content else { return }
    let names = Self.phaseNames(of: list)
    guard parts.count >= 3, let index = names.firstIndex(of: parts[1]) else {
      let name = parts.count < 2 ? "" : parts[1]
      let message =
        parts.count < 3
        ? "is not the path of a key; write phases.NAME.KEY"
        : "names '\(name)', which is no phase of this study"
      problems.append(
        StudyProblem(
          place: place, keyPath: path, message: message, allowed: names.joined(separator: ", "),
          nearest: parts.count < 3 ? nil : nearestName(to: name, in: names)))
      return
    }
    var items = list.items
    Self.setNested(parts[2...], to: value, at: place, in: &items[index])
    if parts[2] == StudyVocabulary.distributionKey,
      let taken = value.text.flatMap({ vocabulary.distribution($0) })
    {
      // What only the distribution that was there before takes (its theta) goes with it.
      let foreign = vocabulary.distributions.flatMap { $0.parameters.map(\.name) }
      let own = taken.parameters.map(\.name)
      items[index].entries.removeAll { foreign.contains($0.key) && !own.contains($0.key) }
    }
    list.items = items
    root["phases"] = list
  }

  /// Labels and engine names as the decoder will see them.
  private static func labels(of list: SourceNode) -> (labels: [String], engines: [String]) {
    let engines = list.items.map { $0["engine"]?.text ?? "" }
    let labels = zip(list.items, engines).map { $0["label"]?.text ?? $1 }
    return (labels, engines)
  }

  /// Phase names as the decoder will give them.
  private static func phaseNames(of list: SourceNode) -> [String] {
    let explicit = Set(list.items.compactMap { $0["name"]?.text })
    var names: [String] = []
    for item in list.items {
      let kind = item["phase"]?.text ?? ""
      var name = item["name"]?.text ?? kind
      var number = 1
      while item["name"] == nil && (names.contains(name) || explicit.contains(name)) {
        number += 1
        name = "\(kind)_\(number)"
      }
      names.append(name)
    }
    return names
  }

  private static func setNested(
    _ parts: ArraySlice<String>, to value: SourceNode, at place: SourcePlace, in node: inout SourceNode
  ) {
    guard let key = parts.first else { return }
    var entries = node.entries
    let index =
      entries.firstIndex { $0.key == key }
      ?? {
        let empty = SourceNode(content: .map([]), place: place)
        entries.append(SourceNode.Entry(key: key, keyPlace: place, value: empty))
        return entries.count - 1
      }()
    if parts.count == 1 {
      entries[index].keyPlace = place
      entries[index].value = value
    } else {
      setNested(parts.dropFirst(), to: value, at: place, in: &entries[index].value)
    }
    node.content = .map(entries)
  }

  /// One spelling for paths that mean the same.
  private static func normalised(_ path: String) -> String {
    let parts = path.split(separator: ".").map(String.init)
    guard parts.count > 3, parts[0] == "engines", parts[2] == "parameters" else { return path }
    return (parts[..<2] + parts[3...]).joined(separator: ".")
  }
}
