# Write amplification: load, patch, read_and_write
# Draw again with: gnuplot write_amplification.gnuplot
# Reads write_amplification.csv, writes write_amplification.svg and write_amplification.png.

data = 'write_amplification.csv'
set datafile separator comma
set datafile columnheaders
set encoding utf8
set style fill solid 1.0 noborder
set tics nomirror out scale 0.6 noenhanced textcolor rgb '#222222'
set border 3 linecolor rgb '#666666'
set grid linetype 1 linewidth 0.8 linecolor rgb '#dddddd'
# Three digits that matter and a unit of thousands.
grouped(v) = v < 1000 ? sprintf('%d', v) : sprintf('%d,%03d', v / 1000, v % 1000)
digits(v) = v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : sprintf('%.0f', v)
short(v) = v == 0 ? '0' : v < 0.00995 ? sprintf('%.2g', v) : v < 0.9995 ? sprintf('%.3f', v) : v < 9.995 ? sprintf('%.2f', v) : v < 99.95 ? sprintf('%.1f', v) : v < 99999.5 ? grouped(int(v + 0.5)) : v < 999500 ? sprintf('%.0f k', v / 1e3) : v < 9.995e8 ? digits(v / 1e6).' M' : v < 9.995e11 ? digits(v / 1e9).' G' : sprintf('%.3g', v)
set yrange [778:0]
set grid xtics noytics
set key off
of(s, p, m) = stringcolumn('series') eq s && stringcolumn('phase') eq p ? column(m) : NaN
at(d) = column('position') + d
# A logarithmic axis has no place for 0: its label stands where the axis begins.
seen(v, low) = v < low ? low : v

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,982 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,982 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'write_amplification.'.kind
  unset label
  unset object
  set label 1 'Write amplification: load, patch, read_and_write' at screen 0.016, screen 0.9735 left noenhanced font ',22'
  set label 2 '262,144 records · batch 100 · durability every_10_commits, at_checkpoints · memory 64 MiB · seed 5103132997656651' at screen 0.016, screen 0.9450 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.9236 left noenhanced font ',15' textcolor rgb '#555555'
  set multiplot
  set lmargin at screen 0.1420
  set rmargin at screen 0.9600
  set tmargin at screen 0.8697
  set bmargin at screen 0.0774
  set logscale x 10
  set xrange [0.1:2129.8579794851426]
  set xtics ('0.1' 0.1, '1' 1.0, '10' 10.0, '100' 100.0, '1,000' 1000.0)
  set xlabel 'bytes written ÷ logical bytes written, log scale' noenhanced
  set ytics ('bepsilon' 62, 'bepsilon-1m' 119, 'btree' 176, 'sqlite' 233, 'bepsilon' 320, 'bepsilon-1m' 377, 'btree' 434, 'sqlite' 491, 'bepsilon' 578, 'bepsilon-1m' 635, 'btree' 692, 'sqlite' 749) scale 0
  set label 'phase load, cold cache' at graph 0, first 19 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase patch, warm cache' at graph 0, first 277 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set label 'phase read_and_write, warm cache' at graph 0, first 535 left offset char 0.5,0 noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.1420, screen 0.8829 to screen 0.1560, screen 0.8971 front fillcolor rgb '#444444' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_data_end: nodes, runs, tables' at screen 0.1640, screen 0.8900 left noenhanced font ',15'
  set object rectangle from screen 0.4640, screen 0.8829 to screen 0.4780, screen 0.8971 front fillcolor rgb '#cbcbcb' fillstyle solid border linecolor rgb '#444444'
  set label 'wa_total_end: log, metadata, padding as well' at screen 0.4860, screen 0.8900 left noenhanced font ',15'
  plot \
    data using (of('bepsilon', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (seen(of('bepsilon', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#7f5700', \
    data using (seen(of('bepsilon-1m', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#dbd0b8', \
    data using (seen(of('bepsilon-1m', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'load', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'load', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (seen(of('sqlite', 'load', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'patch', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'patch', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'patch', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (seen(of('bepsilon', 'patch', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'patch', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#7f5700', \
    data using (seen(of('bepsilon-1m', 'patch', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'patch', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#dbd0b8', \
    data using (seen(of('bepsilon-1m', 'patch', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'patch', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'patch', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'patch', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree', 'patch', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'patch', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'patch', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'patch', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (seen(of('sqlite', 'patch', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'read_and_write', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#e69f00', \
    data using (seen(of('bepsilon', 'read_and_write', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon', 'read_and_write', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#e69f00' fillcolor rgb '#f8e4b8', \
    data using (seen(of('bepsilon', 'read_and_write', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'read_and_write', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#7f5700', \
    data using (seen(of('bepsilon-1m', 'read_and_write', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('bepsilon-1m', 'read_and_write', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#7f5700' fillcolor rgb '#dbd0b8', \
    data using (seen(of('bepsilon-1m', 'read_and_write', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'read_and_write', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#d55e00', \
    data using (seen(of('btree', 'read_and_write', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('btree', 'read_and_write', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#d55e00' fillcolor rgb '#f3d2b8', \
    data using (seen(of('btree', 'read_and_write', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'read_and_write', 'wa_data_end')):(at(-10.5)):(0.1):(column('wa_data_end')):(at(-20.0)):(at(-1.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#0072b2', \
    data using (seen(of('sqlite', 'read_and_write', 'wa_data_end_upper'), 0.1)):(at(-10.5)):(short(column('wa_data_end'))) with labels left offset char 0.4,0 noenhanced font ',15', \
    data using (of('sqlite', 'read_and_write', 'wa_total_end')):(at(10.5)):(0.1):(column('wa_total_end')):(at(1.0)):(at(20.0)) with boxxyerror fillstyle solid border linecolor rgb '#0072b2' fillcolor rgb '#b8d8e9', \
    data using (seen(of('sqlite', 'read_and_write', 'wa_total_end_upper'), 0.1)):(at(10.5)):(short(column('wa_total_end'))) with labels left offset char 0.4,0 noenhanced font ',15'
  unset label
  unset object
  unset multiplot
  unset output
}
