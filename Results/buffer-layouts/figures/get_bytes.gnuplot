# Bytes read by a cold query, by node size
# Draw again with: gnuplot get_bytes.gnuplot
# Reads get_bytes.csv, writes get_bytes.svg and get_bytes.png.

data = 'get_bytes.csv'
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
set lmargin at screen 0.1090
set rmargin at screen 0.7650
set tmargin at screen 0.8085
set bmargin at screen 0.1348
set key off
is(s) = stringcolumn('line') eq s
set logscale x 10
set xrange [117964.8:2306867.2]
set xtics ('128 Ki' 131072.0, '256 Ki' 262144.0, '512 Ki' 524288.0, '1 Mi' 1048576.0, '2 Mi' 2097152.0)
set xlabel 'node bytes, log scale' noenhanced
set logscale y 10
set yrange [29491.2:1153433.6]
set ytics ('32 Ki' 32768.0, '64 Ki' 65536.0, '128 Ki' 131072.0, '256 Ki' 262144.0, '512 Ki' 524288.0, '1 Mi' 1048576.0)
set ylabel 'Device bytes read per operation, log scale' noenhanced font ',15'
set ylabel offset char -1.5,0

do for [kind in 'svg png'] {
  if (kind eq 'svg') {
    set terminal svg size 1000,564 fixed font 'sans-serif,17' background rgb 'white'
  } else {
    set terminal pngcairo size 1000,564 font 'sans-serif,17' fontscale 0.75 background rgb 'white'
  }
  set output 'get_bytes.'.kind
  unset label
  unset object
  set label 1 'Bytes read by a cold query, by node size' at screen 0.016, screen 0.9539 left noenhanced font ',22'
  set label 2 '1,200,000 records · batch 1,000 · durability prefix · memory 32 MiB · 3 seeds: median and 95 % interval' at screen 0.016, screen 0.9043 left noenhanced font ',15' textcolor rgb '#555555'
  set label 3 'memory device' at screen 0.016, screen 0.8670 left noenhanced font ',15' textcolor rgb '#555555'
  set object rectangle from screen 0.7830, screen 0.7837 to screen 0.8050, screen 0.7908 front fillcolor rgb '#f0e442' fillstyle solid noborder
  set label '' at screen 0.7940, screen 0.7872 front point pointtype 7 pointsize 1.1 linecolor rgb '#f0e442'
  set label 'shared: 640,512' at screen 0.8130, screen 0.7872 left noenhanced font ',16'
  set object rectangle from screen 0.7830, screen 0.7411 to screen 0.8050, screen 0.7482 front fillcolor rgb '#009e73' fillstyle solid noborder
  set label '' at screen 0.7940, screen 0.7447 front point pointtype 7 pointsize 1.1 linecolor rgb '#009e73'
  set label 'per-child: 240,469' at screen 0.8130, screen 0.7447 left noenhanced font ',16'
  set object rectangle from screen 0.7830, screen 0.6986 to screen 0.7920, screen 0.7057 front fillcolor rgb '#444444' fillstyle solid noborder
  set object rectangle from screen 0.7960, screen 0.6986 to screen 0.8050, screen 0.7057 front fillcolor rgb '#444444' fillstyle solid noborder
  set label 'model be_tree_get' at screen 0.8130, screen 0.7021 left noenhanced font ',16'
  plot \
    data using (is('per-child') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#b3e2d5' fillstyle transparent solid 0.5 noborder, \
    data using (is('per-child') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#009e73', \
    data using (is('shared') ? column('x') : NaN):(column('lower')):(column('upper')) with filledcurves fillcolor rgb '#fbf7c6' fillstyle transparent solid 0.5 noborder, \
    data using (is('shared') ? column('x') : NaN):(column('median')):(column('lower')):(column('upper')) with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb '#f0e442', \
    data using (is('per-child') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#009e73', \
    data using (is('per-child') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#009e73', \
    data using (is('shared') ? column('x') : NaN):(column('predicted')) with lines linewidth 1.8 dashtype 2 linecolor rgb '#f0e442', \
    data using (is('shared') ? column('x') : NaN):(column('median')) with linespoints pointtype 7 pointsize 1.1 linewidth 2.2 linecolor rgb '#f0e442'
  unset output
}
