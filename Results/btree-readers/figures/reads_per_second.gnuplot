# Point reads a second, by threads
# Draw again with: gnuplot reads_per_second.gnuplot
# Reads reads_per_second.csv, writes reads_per_second.svg and reads_per_second.png.

data = 'reads_per_second.csv'
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
set lmargin at screen 0.1380
set rmargin at screen 0.5520
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [0.9:8.8]
set xtics ('1' 1.0, '2' 2.0, '4' 4.0, '8' 8.0)
set xlabel 'threads, log scale' noenhanced
unset logscale y
set yrange [0.0:5170051.572321205]
set ytics ('0' 0.0, '1,000,000' 1000000.0, '2,000,000' 2000000.0, '3,000,000' 3000000.0, '4,000,000' 4000000.0, '5,000,000' 5000000.0)
set ylabel 'Throughput (operations/s)' noenhanced
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'reads_per_second.'.kind
  unset label
  unset object
  set label 1 'Point reads a second, by threads' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '300,000 records · batch 1,000 · durability prefix · memory 12 MiB to 192 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.5700, screen 0.7837 to screen 0.5920, screen 0.7908 front fillcolor rgb '#e9ab7a' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.7872 front point pointtype 11 pointsize 1.7 linecolor rgb '#e9ab7a'
  set label 'memory 192 MiB, cache shards 4: 4,391,139' at screen 0.6000, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.5700, screen 0.7411 to screen 0.5920, screen 0.7482 front fillcolor rgb '#eebf99' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.7447 front point pointtype 15 pointsize 1.7 linecolor rgb '#eebf99'
  set label 'memory 192 MiB, cache shards 16:' at screen 0.6000, screen 0.7447 left noenhanced font ',16'
  set label '4,293,958' at screen 0.6000, screen 0.7092 left noenhanced font ',16'
  set object rectangle from screen 0.5700, screen 0.6631 to screen 0.5920, screen 0.6702 front fillcolor rgb '#e4985c' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.6667 front point pointtype 13 pointsize 1.7 linecolor rgb '#e4985c'
  set label 'memory 192 MiB, cache shards 1: 3,878,762' at screen 0.6000, screen 0.6667 left noenhanced font ',16'
  set object rectangle from screen 0.5700, screen 0.6206 to screen 0.5920, screen 0.6277 front fillcolor rgb '#df853d' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.6241 front point pointtype 9 pointsize 1.7 linecolor rgb '#df853d'
  set label 'memory 12 MiB, cache shards 16: 771,258' at screen 0.6000, screen 0.6241 left noenhanced font ',16'
  set object rectangle from screen 0.5700, screen 0.5780 to screen 0.5920, screen 0.5851 front fillcolor rgb '#da711f' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.5816 front point pointtype 5 pointsize 1.7 linecolor rgb '#da711f'
  set label 'memory 12 MiB, cache shards 4: 701,525' at screen 0.6000, screen 0.5816 left noenhanced font ',16'
  set object rectangle from screen 0.5700, screen 0.5355 to screen 0.5920, screen 0.5426 front fillcolor rgb '#d55e00' fillstyle solid noborder
  set label '' at screen 0.5810, screen 0.5390 front point pointtype 7 pointsize 1.1 linecolor rgb '#d55e00'
  set label 'memory 12 MiB, cache shards 1: 583,449' at screen 0.6000, screen 0.5390 left noenhanced font ',16'
  plot \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=1') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f2cfb3' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=1') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#d55e00', \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=4') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f4d4bc' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=4') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#da711f', \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=16') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f5dac5' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=16') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#df853d', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=1') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f7e0ce' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=1') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#e4985c', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=4') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#f8e6d7' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=4') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#e9ab7a', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=16') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#faece0' fillstyle transparent solid 0.5 noborder, \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=16') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#eebf99', \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#d55e00', \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=4') ? column('x') : NaN):(column('median')) with linespoints pointtype 5 pointsize 1.7 linewidth 2.2 linecolor rgb '#da711f', \
    data using (is('btree memory_budget_bytes=12582912 cache_shards=16') ? column('x') : NaN):(column('median')) with linespoints pointtype 9 pointsize 1.7 linewidth 2.2 linecolor rgb '#df853d', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=1') ? column('x') : NaN):(column('median')) with linespoints pointtype 13 pointsize 1.7 linewidth 2.2 linecolor rgb '#e4985c', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=4') ? column('x') : NaN):(column('median')) with linespoints pointtype 11 pointsize 1.7 linewidth 2.2 linecolor rgb '#e9ab7a', \
    data using (is('btree memory_budget_bytes=201326592 cache_shards=16') ? column('x') : NaN):(column('median')) with linespoints pointtype 15 pointsize 1.7 linewidth 2.2 linecolor rgb '#eebf99'
  unset output
}
